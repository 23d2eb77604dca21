/** The builtins that this project deliberately does not have; a policy that calls one is refused when it is loaded. */
export const EXCLUDED_BUILTINS: readonly string[] = ['http.send', 'net.lookup_ip_addr'];
