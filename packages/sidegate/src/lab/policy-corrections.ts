/**
 * The corrections of the seed's four policies, as text replacements that name the defect they mend.
 * What stands in a policy and is not named here stays as its author wrote it.
 */

export interface PolicyCorrection {
  readonly id: string;
  readonly file: string;
  /** What was wrong, for people. */
  readonly defect: string;
  /** The text as the seed has it; any run of white space matches any other. */
  readonly find: string;
  readonly replacement: string;
}

/** The corrected text, or undefined when the policy does not have the defect. */
export function correctPolicy(text: string, correction: PolicyCorrection): string | undefined {
  const words = correction.find.trim().split(/\s+/);
  const pattern = new RegExp(words.map((word) => word.replace(/[^\w]/g, '\\$&')).join('\\s+'), 'g');
  const corrected = text.replace(pattern, () => correction.replacement.trim());
  return corrected === text ? undefined : corrected;
}

const TYPED_EXPIRY = `is_number(input.token.exp)
    input.token.exp > time.now_ns() / 1000000000`;

const rolePolicy = (file: string): readonly PolicyCorrection[] => [
  {
    id: 'SD-08',
    file,
    defect: 'an exp that is a string counts as never expiring, a sub that is no text as a user',
    find: `valid_user_token if {
      input.token.sub != ""
      input.token.exp > time.now_ns() / 1000000000`,
    replacement: `valid_user_token if {
    is_string(input.token.sub)
    input.token.sub != ""
    ${TYPED_EXPIRY}`,
  },
];

export const POLICY_CORRECTIONS: readonly PolicyCorrection[] = [
  {
    id: 'SD-08',
    file: 'gateway.rego',
    defect: 'a sub that is no text counts as a user',
    find: `allow if {
      input.token.sub != ""`,
    replacement: `allow if {
    is_string(input.token.sub)
    input.token.sub != ""`,
  },
  {
    id: 'SD-08',
    file: 'gateway.rego',
    defect: 'a token without exp, or with one that is not a number, never expires',
    find: `is_token_expired if {
      input.token.exp < time.now_ns() / 1000000000
    }`,
    replacement: `default is_token_expired := true

is_token_expired := false if {
    ${TYPED_EXPIRY}
}`,
  },

  ...rolePolicy('order.rego'),
  {
    id: 'SD-08',
    file: 'order.rego',
    defect: 'any signed-in user may read, on any path',
    find: `has_permission if {
      input.request.method == "GET"
    }`,
    replacement: `has_permission if {
    input.request.method == "GET"
    orders_path
    some role in input.token.realm_access.roles
    role in {"customer", "orders:read"}
}

orders_path if input.request.path == "/orders"

orders_path if startswith(input.request.path, "/orders/")`,
  },
  {
    id: 'SD-08',
    file: 'order.rego',
    defect: 'orders:create allows POST on any path; a roles claim that is an object counts as a list',
    find: `has_permission if {
      input.request.method == "POST"
      "orders:create" in input.token.realm_access.roles
    }`,
    replacement: `has_permission if {
    input.request.method == "POST"
    orders_path
    is_array(input.token.realm_access.roles)
    "orders:create" in input.token.realm_access.roles
}`,
  },

  ...rolePolicy('payment.rego'),
  {
    id: 'SD-08',
    file: 'payment.rego',
    defect: 'payments:create allows every method, DELETE as well, on any path',
    find: `has_payment_permission if {
      "payments:create" in input.token.realm_access.roles
    }`,
    replacement: `has_payment_permission if {
    input.request.method in {"GET", "POST"}
    payments_path
    is_array(input.token.realm_access.roles)
    "payments:create" in input.token.realm_access.roles
}

payments_path if input.request.path == "/payments"

payments_path if startswith(input.request.path, "/payments/")`,
  },
  {
    id: 'SD-08',
    file: 'payment.rego',
    defect: 'payments:read allows GET on any path',
    find: `has_payment_permission if {
      input.request.method == "GET"
      "payments:read" in input.token.realm_access.roles
    }`,
    replacement: `has_payment_permission if {
    input.request.method == "GET"
    payments_path
    is_array(input.token.realm_access.roles)
    "payments:read" in input.token.realm_access.roles
}`,
  },

  {
    id: 'SD-07',
    file: 'dataservice.rego',
    defect: 'required_permission is used outside the rule that binds it, so the file does not compile',
    find: `reasons contains reason if {
      has_service_permission
      reason := sprintf("service %s has permission %s", [service_name, required_permission])
    }`,
    replacement: `reasons contains reason if {
    has_service_permission
    reason := sprintf("service %s has permission %s", [service_name, get_required_permission])
}

reasons contains reason if {
    not has_service_permission
    reason := sprintf("service %s lacks permission %s", [service_name, get_required_permission])
}`,
  },
  ...(['X-User-Context', 'X-Correlation-ID'] as const).map((name) => ({
    id: 'SD-06',
    file: 'dataservice.rego',
    defect: `result is undefined, a denial without a reason, when ${name} is absent`,
    find: `input.headers["${name}"],`,
    replacement: `text(["headers", "${name}"]),`,
  })),
  {
    id: 'SD-13',
    file: 'dataservice.rego',
    defect: 'the audit object names the caller as the service',
    find: '"service": input.mtls.subject.CN,',
    replacement: `"service": "data-service",
        "calling_service": service_name,`,
  },
  {
    id: 'SD-06',
    file: 'dataservice.rego',
    defect: 'result is undefined when the method, the path or the client is absent',
    find: `"action": input.request.method,
      "resource": input.request.path,`,
    replacement: `"action": object.get({"GET": "read", "POST": "write"}, text(["request", "method"]), "other"),
        "resource": trim_prefix(text(["request", "path"]), "/"),`,
  },
  {
    id: 'SD-06',
    file: 'dataservice.rego',
    defect: 'service_name is undefined without azp',
    find: 'service_name := input.token.azp',
    replacement: `service_name := text(["token", "azp"])

text(path) := value if {
    value := object.get(input, path, "")
    is_string(value)
} else := ""`,
  },
  {
    id: 'SD-05',
    file: 'dataservice.rego',
    defect: 'any allowed certificate goes with any token',
    find: `input.token.azp != ""  # Authorized party (client_id)
      input.token.exp > time.now_ns() / 1000000000`,
    replacement: `input.token.azp == allowed_services[input.mtls.subject.CN]
    ${TYPED_EXPIRY}`,
  },
  ...(['order-service', 'payment-service'] as const).map((name) => ({
    id: 'SD-05',
    file: 'dataservice.rego',
    defect: `nothing says which token goes with the certificate ${name}-client`,
    find: `"${name}-client": true,`,
    replacement: `"${name}-client": "${name}",`,
  })),
  ...(['inventory', 'orders'] as const).map((name) => ({
    id: 'SD-08',
    file: 'dataservice.rego',
    defect: `/${name}-admin counts as /${name}`,
    find: `startswith(input.request.path, "/${name}")`,
    replacement: `below("/${name}")`,
  })),
  {
    id: 'SD-08',
    file: 'dataservice.rego',
    defect: '/payments-admin counts as /payments',
    find: `startswith(input.request.path, "/payments")
    }`,
    replacement: `below("/payments")
}

below(prefix) if input.request.path == prefix

below(prefix) if startswith(input.request.path, concat("", [prefix, "/"]))`,
  },
];
