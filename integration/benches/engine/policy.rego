# Roles and permissions with functions and `every`: a caller may act if every scope that the endpoint asks for is
# granted by some role, and no role of theirs is barred from the resource.
package envoy.authz

import input.attributes.request.http as http

default allow := false

allow if {
	user := data.users[http.headers["x-user"]]
	not user.suspended
	needed := scopes(http.method, input.parsed_path)
	every scope in needed {
		granted(user.roles, scope)
	}
	not barred(user.roles, input.parsed_path)
}

scopes(method, path) := {sprintf("%s:%s", [path[1], action(method)]), "api:use"} if {
	path[0] == "api"
	count(path) > 1
}

action(method) := "read" if method in {"GET", "HEAD"}

action(method) := "write" if method in {"POST", "PUT", "PATCH", "DELETE"}

granted(roles, scope) if {
	some role in roles
	scope in data.roles[role].scopes
}

barred(roles, path) if {
	some role in roles
	some prefix in data.roles[role].barred
	startswith(concat("/", path), prefix)
}
