# Who may call which endpoint: users have roles, roles have permissions, and a permission is
# a list of methods on a resource. `data.json` holds all three.
package envoy.authz

import input.attributes.request.http as http

default allow := false

# Load balancers ask this without a user.
allow if {
	http.method in {"GET", "HEAD"}
	input.parsed_path == ["health"]
}

# Everybody known may read their own profile.
allow if {
	active
	http.method in {"GET", "HEAD"}
	input.parsed_path == ["api", "users", user]
}

allow if {
	active
	some role in data.users[user].roles
	some permission in data.roles[role].permissions
	http.method in permission.methods
	glob.match(permission.resource, ["/"], resource)
}

# Set by whatever authenticated the user in front of this filter. A header sent twice arrives
# joined by a comma and is nobody's name.
user := http.headers["x-user"]

# The decoded path: `/api/%6frders` is `/api/orders`.
resource := concat("/", array.concat([""], input.parsed_path))

active if {
	is_object(data.users[user])
	not suspended
}

suspended if data.users[user].suspended
