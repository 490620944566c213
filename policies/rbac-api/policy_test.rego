package envoy.authz_test

import data.envoy.authz

request(user, method, path) := {
	"attributes": {"request": {"http": {"method": method, "headers": {"x-user": user}}}},
	"parsed_path": split(trim_left(path, "/"), "/"),
}

anonymous(method, path) := {
	"attributes": {"request": {"http": {"method": method, "headers": {}}}},
	"parsed_path": split(trim_left(path, "/"), "/"),
}

test_health_is_open if authz.allow with input as anonymous("GET", "/health")

test_health_is_only_read if not authz.allow with input as anonymous("POST", "/health")

test_nothing_below_health if not authz.allow with input as anonymous("GET", "/health/x")

test_anonymous_is_denied if not authz.allow with input as anonymous("GET", "/api/orders")

test_unknown_user_is_denied if not authz.allow with input as request("eve", "GET", "/api/orders")

test_two_users_are_nobody if not authz.allow with input as request("bob,alice", "DELETE", "/api/orders/7")

test_empty_user_is_denied if not authz.allow with input as request("", "GET", "/api/users/")

test_empty_input_is_denied if not authz.allow with input as {}

test_admin_everywhere_in_the_api if {
	authz.allow with input as request("alice", "DELETE", "/api/orders/7")
	authz.allow with input as request("alice", "PUT", "/api/deep/down/below")
}

test_admin_outside_the_api_is_denied if {
	not authz.allow with input as request("alice", "GET", "/internal/debug")
	not authz.allow with input as request("alice", "GET", "/api")
}

test_method_not_granted if {
	authz.allow with input as request("bob", "PUT", "/api/orders/7")
	not authz.allow with input as request("bob", "DELETE", "/api/orders/7")
	not authz.allow with input as request("bob", "put", "/api/orders/7")
}

test_star_stays_in_one_segment if {
	authz.allow with input as request("bob", "GET", "/api/orders/7")
	not authz.allow with input as request("bob", "GET", "/api/orders/7/items")
}

test_two_stars_cross_segments if {
	authz.allow with input as request("carol", "GET", "/api/reports/2026/q3/summary")
	not authz.allow with input as request("carol", "POST", "/api/reports/2026")
}

test_star_in_the_middle if {
	authz.allow with input as request("carol", "POST", "/api/customers/12/notes")
	not authz.allow with input as request("carol", "POST", "/api/customers/12/34/notes")
}

test_roles_add_up if {
	authz.allow with input as request("carol", "GET", "/api/customers/12")
	authz.allow with input as request("carol", "GET", "/api/reports/2026")
}

test_own_profile_only if {
	authz.allow with input as request("dave", "GET", "/api/users/dave")
	not authz.allow with input as request("dave", "GET", "/api/users/alice")
	not authz.allow with input as request("dave", "PUT", "/api/users/dave")
}

test_suspended_user_is_denied_everything if {
	not authz.allow with input as request("mallory", "GET", "/api/orders/7")
	not authz.allow with input as request("mallory", "GET", "/api/users/mallory")
	authz.allow with input as request("mallory", "GET", "/health")
}
