# Tenants and scopes from a token that somebody else has verified: Envoy's jwt_authn filter
# checks the signature and forwards the claims in the header `x-jwt-payload` (base64url of JSON).
#
#   /tenants/<tenant>/<collection>/…
#
# The tenant of the path is the tenant of the token, and the token's scopes cover the method on
# the collection. The upstream learns tenant and subject from headers it can trust.
package envoy.authz

import input.attributes.request.http as http

result := {"allowed": true, "headers": {"x-tenant": tenant, "x-subject": subject}} if {
	same_tenant
	needed in scopes
	tenant := claims.tenant
	subject := claims.sub
}

else := {
	"allowed": false,
	"http_status": 401,
	"headers": {"www-authenticate": "Bearer", "content-type": "application/json"},
	"body": `{"error":"no_token"}`,
} if {
	not claims
}

else := {
	"allowed": false,
	"http_status": 403,
	"headers": {"content-type": "application/json"},
	"body": body,
} if {
	body := concat("", [`{"error":"`, reason, `"}`])
}

# Undefined without the header, when it is not base64url of a JSON object, and without a subject.
claims := payload if {
	payload := json.unmarshal(base64url.decode(http.headers["x-jwt-payload"]))
	is_object(payload)
	is_string(payload.sub)
}

same_tenant if {
	input.parsed_path[0] == "tenants"
	input.parsed_path[1] == claims.tenant
	claims.tenant != ""
}

# One string, separated by blanks (RFC 8693); some issuers send a list.
scopes := list if {
	is_string(claims.scope)
	list := split(claims.scope, " ")
}

else := list if {
	list := claims.scope
	is_array(list)
}

# The scope this request needs; undefined for a collection or a method that nobody may touch.
needed := scope if {
	collection := input.parsed_path[2]
	scope := data.scopes[collection][http.method]
}

reason := "wrong_tenant" if {
	not same_tenant
}

else := text if {
	text := concat(": ", ["insufficient_scope", needed])
}

else := "unknown_resource"
