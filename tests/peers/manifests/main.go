// Decodes manifests as the programs that read them do, and says where a field is none of theirs.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	securityv1 "istio.io/client-go/pkg/apis/security/v1"
	securityv1beta1 "istio.io/client-go/pkg/apis/security/v1beta1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

var kinds = map[string]func() any{
	"v1 ConfigMap":                                  func() any { return &core.ConfigMap{} },
	"v1 Service":                                    func() any { return &core.Service{} },
	"v1 ServiceAccount":                             func() any { return &core.ServiceAccount{} },
	"apps/v1 Deployment":                            func() any { return &apps.Deployment{} },
	"networking.k8s.io/v1 NetworkPolicy":            func() any { return &networking.NetworkPolicy{} },
	"cert-manager.io/v1 Certificate":                func() any { return &certmanager.Certificate{} },
	"security.istio.io/v1 PeerAuthentication":       func() any { return &securityv1.PeerAuthentication{} },
	"security.istio.io/v1 AuthorizationPolicy":      func() any { return &securityv1.AuthorizationPolicy{} },
	"security.istio.io/v1beta1 PeerAuthentication":  func() any { return &securityv1beta1.PeerAuthentication{} },
	"security.istio.io/v1beta1 AuthorizationPolicy": func() any { return &securityv1beta1.AuthorizationPolicy{} },
}

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	failed := false
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var meta struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := yaml.Unmarshal(document, &meta); err != nil {
			fmt.Println("unreadable:", err)
			failed = true
			continue
		}
		name := meta.APIVersion + " " + meta.Kind
		object, known := kinds[name]
		if !known {
			fmt.Println("unknown:", name)
			failed = true
			continue
		}
		if err := yaml.UnmarshalStrict(document, object()); err != nil {
			fmt.Println(name+":", err)
			failed = true
			continue
		}
		fmt.Println("ok:", name)
	}
	if failed {
		os.Exit(1)
	}
}
