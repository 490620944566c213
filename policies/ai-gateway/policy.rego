# Which agent may call which tool of an MCP server, and with which arguments.
#
# Every POST carries one JSON-RPC message. `tools/call` is judged by the role of the agent; a few
# methods are open; everything else is denied. `data.json` holds agents, roles and limits.
package envoy.authz

import input.attributes.request.http as http

result := {"allowed": true, "headers": {"x-agent-role": agent_role}} if {
	permitted
	agent_role := role
}

else := {
	"allowed": false,
	"http_status": status,
	"headers": {"content-type": "application/json"},
	"body": body,
} if {
	status := problem.status

	# The message is a constant of this file: nothing of the request is echoed.
	body := concat("", [
		`{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"`,
		problem.message,
		`"}}`,
	])
}

default role := "none"

# Set by whatever authenticated the agent in front of this filter.
role := data.agents[agent].role if {
	agent := http.headers["x-agent"]
}

permitted if {
	complete_message
	input.parsed_body.method in data.open_methods
}

permitted if {
	complete_message
	calls_tool
	within_limits
}

# Agents listen for the server's messages (GET) and close their session (DELETE), without a body.
permitted if {
	session_request
	granted_tools
}

session_request if http.method in {"GET", "DELETE"}

# A batch is an array and so no message.
complete_message if {
	http.method == "POST"
	not input.truncated_body
	is_object(input.parsed_body)
	input.parsed_body.jsonrpc == "2.0"
}

calls_tool if input.parsed_body.method == "tools/call"

granted_tools := data.roles[role].tools

tool := input.parsed_body.params.name

grant := granted_tools[tool]

# The arguments of the call: none at all is an empty object.
default arguments := {}

arguments := input.parsed_body.params.arguments

# Every argument is one the grant names and keeps its limit; those that the grant requires are
# there, because a tool's default may lie beyond the limit.
within_limits if {
	grant
	is_object(arguments)
	missing := {name | some name in grant.required} - object.keys(arguments)
	count(missing) == 0
	every name in object.keys(arguments) {
		fits(name)
	}
}

# The kinds of limit: anything, a list of values, a range of numbers, a folder.
fits(name) if {
	data.roles[role].tools[tool].arguments[name].any
}

fits(name) if {
	limit := data.roles[role].tools[tool].arguments[name]
	value := input.parsed_body.params.arguments[name]
	value in limit.one_of
}

fits(name) if {
	limit := data.roles[role].tools[tool].arguments[name]
	value := input.parsed_body.params.arguments[name]
	is_number(value)
	value >= limit.min
	value <= limit.max
}

fits(name) if {
	limit := data.roles[role].tools[tool].arguments[name]
	value := input.parsed_body.params.arguments[name]
	startswith(value, limit.prefix)
	not contains(value, "..")
}

problem := {"status": 413, "message": "the message is too large to be judged"} if {
	input.truncated_body
}

else := {"status": 403, "message": "the agent is not known"} if {
	session_request
}

else := {"status": 400, "message": "batches are not accepted"} if {
	is_array(input.parsed_body)
}

else := {"status": 400, "message": "not a JSON-RPC message"} if {
	not complete_message
}

else := {"status": 403, "message": "the method is not open to agents"} if {
	not calls_tool
}

else := {"status": 403, "message": "the tool is not granted to the agent"} if {
	not grant
}

else := {"status": 403, "message": "the arguments are beyond what the agent may ask"}
