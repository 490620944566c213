package envoy.authz

import input.attributes.request.http as http

default allow := false

allow if http.path == "/health"

allow if {
	some role in roles
	some permission in data.permissions[role]
	permission.method in {http.method, "*"}
	prefix_of(permission.path, input.parsed_path)
}

roles contains role if some role in data.users[user].roles

roles contains "anonymous" if not user

user := http.headers["x-user"] if not startswith_dash(http.headers["x-user"])

startswith_dash(name) if name[0] == "-"

prefix_of(prefix, path) if {
	count(prefix) <= count(path)
	every i, segment in prefix { path[i] == segment }
}

headers[name] := value if {
	some name, value in data.headers
	allow
}

limit := 10 if {
	"admin" in roles
} else := 5 if {
	user
} else := 1

would_allow_admin if allow with input.attributes.request.http.headers as {"x-user": "root"}

level[role] := n if some role, n in data.levels
level.fixed := 7
