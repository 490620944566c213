package envoy.authz_test

import data.envoy.authz

# What jwt_authn forwards: base64url without padding.
forwarded(claims) := base64url.encode_no_pad(json.marshal(claims))

request(headers, method, path) := {
	"attributes": {"request": {"http": {"method": method, "headers": headers}}},
	"parsed_path": split(trim_left(path, "/"), "/"),
}

bearing(claims, method, path) := request({"x-jwt-payload": forwarded(claims)}, method, path)

acme := {"sub": "u-17", "tenant": "acme", "scope": "orders:read orders:write"}

test_read_within_scope if {
	result := authz.result with input as bearing(acme, "GET", "/tenants/acme/orders/7")
	result.allowed
	result.headers == {"x-tenant": "acme", "x-subject": "u-17"}
}

test_write_within_scope if {
	result := authz.result with input as bearing(acme, "POST", "/tenants/acme/orders")
	result.allowed
}

test_padded_payload_is_read_too if {
	padded := base64url.encode(json.marshal(acme))
	result := authz.result with input as request({"x-jwt-payload": padded}, "GET", "/tenants/acme/orders")
	result.allowed
}

test_scopes_as_a_list if {
	claims := object.union(acme, {"scope": ["invoices:read"]})
	result := authz.result with input as bearing(claims, "GET", "/tenants/acme/invoices")
	result.allowed
}

test_scope_missing if {
	result := authz.result with input as bearing(acme, "DELETE", "/tenants/acme/orders/7")
	not result.allowed
	result.http_status == 403
	result.body == `{"error":"insufficient_scope: orders:admin"}`
}

test_part_of_a_scope_is_no_scope if {
	claims := object.union(acme, {"scope": "orders:rea xorders:read"})
	result := authz.result with input as bearing(claims, "GET", "/tenants/acme/orders")
	result.http_status == 403
}

test_other_tenant if {
	result := authz.result with input as bearing(acme, "GET", "/tenants/globex/orders/7")
	result.http_status == 403
	result.body == `{"error":"wrong_tenant"}`
}

test_token_without_tenant if {
	claims := object.remove(acme, ["tenant"])
	result := authz.result with input as bearing(claims, "GET", "/tenants/acme/orders/7")
	result.http_status == 403
}

test_empty_tenant_opens_nothing if {
	claims := object.union(acme, {"tenant": ""})
	result := authz.result with input as bearing(claims, "GET", "/tenants//orders/7")
	result.http_status == 403
}

test_unknown_collection if {
	result := authz.result with input as bearing(acme, "GET", "/tenants/acme/secrets")
	result.http_status == 403
	result.body == `{"error":"unknown_resource"}`
}

test_unknown_method if {
	result := authz.result with input as bearing(acme, "PATCH", "/tenants/acme/orders/7")
	result.http_status == 403
}

test_no_scope_at_all if {
	claims := object.remove(acme, ["scope"])
	result := authz.result with input as bearing(claims, "GET", "/tenants/acme/orders")
	result.http_status == 403
}

test_no_token if {
	result := authz.result with input as request({}, "GET", "/tenants/acme/orders/7")
	result.http_status == 401
	result.headers["www-authenticate"] == "Bearer"
}

test_unreadable_tokens if {
	every payload in ["", "%%%", "bm8ganNvbg", forwarded(["sub"]), forwarded(false), forwarded(acme.sub)] {
		result := authz.result with input as request({"x-jwt-payload": payload}, "GET", "/tenants/acme/orders")
		result.http_status == 401
	}
}

test_two_tokens_are_none if {
	payload := concat(",", [forwarded(acme), forwarded(acme)])
	result := authz.result with input as request({"x-jwt-payload": payload}, "GET", "/tenants/acme/orders")
	result.http_status == 401
}

test_no_subject if {
	claims := object.remove(acme, ["sub"])
	result := authz.result with input as bearing(claims, "GET", "/tenants/acme/orders")
	result.http_status == 401
}

test_empty_input_is_denied if {
	result := authz.result with input as {}
	result.http_status == 401
}
