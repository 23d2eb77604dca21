// Command ext-authz stands in for OPA-Envoy: Envoy's gRPC authorization service in front of OPA's library, with a prepared
// query and no decision log, so it does less than the plugin does.
package main

import (
	"context"
	"log"
	"net"
	"os"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/open-policy-agent/opa/v1/rego"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

type server struct {
	query rego.PreparedEvalQuery
}

// Check hands the policy what the plugin would: the method, the path, the caller's principal and the token's claims.
func (s server) Check(ctx context.Context, request *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	attributes := request.GetAttributes()
	http := attributes.GetRequest().GetHttp()
	claims := attributes.GetMetadataContext().GetFilterMetadata()["envoy.filters.http.jwt_authn"].AsMap()["claims"]
	input := map[string]any{
		"method":    http.GetMethod(),
		"path":      http.GetPath(),
		"principal": attributes.GetSource().GetPrincipal(),
		"claims":    claims,
	}
	results, err := s.query.Eval(ctx, rego.EvalInput(input))
	if err != nil || !results.Allowed() {
		return answer(codes.PermissionDenied), nil
	}
	return answer(codes.OK), nil
}

func answer(code codes.Code) *authv3.CheckResponse {
	return &authv3.CheckResponse{Status: &status.Status{Code: int32(code)}}
}

// leaveWithParent ends the process when the one that started it is gone.
func leaveWithParent() {
	for parent := os.Getppid(); os.Getppid() == parent; {
		time.Sleep(500 * time.Millisecond)
	}
	os.Exit(0)
}

func main() {
	address, policy := os.Args[1], os.Args[2]
	query, err := rego.New(rego.Query("data.orders.allow"), rego.Load([]string{policy}, nil)).PrepareForEval(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	go leaveWithParent()
	authorization := grpc.NewServer()
	authv3.RegisterAuthorizationServer(authorization, server{query})
	log.Fatal(authorization.Serve(listener))
}
