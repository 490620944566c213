package envoy.authz_test

import data.envoy.authz

posted(agent, body) := {
	"attributes": {"request": {"http": {"method": "POST", "headers": {"x-agent": agent}}}},
	"parsed_path": ["mcp"],
	"parsed_body": body,
	"truncated_body": false,
}

bodiless(agent, method) := object.union(posted(agent, null), {"attributes": {"request": {"http": {"method": method}}}})

message(method) := {"jsonrpc": "2.0", "id": 1, "method": method}

call(agent, tool, args) := posted(agent, object.union(
	message("tools/call"),
	{"params": {"name": tool, "arguments": args}},
))

transfer := {"amount": 120, "currency": "EUR", "to": "DE02120300000000202051"}

denied(result, status, text) if {
	not result.allowed
	result.http_status == status
	contains(result.body, text)
	is_object(json.unmarshal(result.body))
}

test_open_methods_for_everybody if {
	every method in ["initialize", "ping", "tools/list", "notifications/initialized"] {
		result := authz.result with input as posted("nobody", message(method))
		result.allowed
		result.headers == {"x-agent-role": "none"}
	}
}

test_call_within_limits if {
	result := authz.result with input as call("research-1", "query_database", {"database": "citations", "limit": 100})
	result.allowed
	result.headers == {"x-agent-role": "researcher"}
}

test_call_without_arguments if {
	body := object.union(message("tools/call"), {"params": {"name": "search_web"}})
	result := authz.result with input as posted("research-1", body)
	result.allowed
}

test_number_beyond_the_limit if {
	every limit in [0, 101, -5, "50", null] {
		args := {"database": "citations", "limit": limit}
		result := authz.result with input as call("research-1", "query_database", args)
		denied(result, 403, "arguments")
	}
}

test_required_argument_left_out if {
	result := authz.result with input as call("research-1", "query_database", {"database": "citations"})
	denied(result, 403, "arguments")
}

test_argument_the_grant_does_not_name if {
	args := object.union(transfer, {"urgent": true})
	result := authz.result with input as call("books-1", "transfer_funds", args)
	denied(result, 403, "arguments")
}

test_value_not_in_the_list if {
	result := authz.result with input as call("books-1", "transfer_funds", object.union(transfer, {"to": "GB33"}))
	denied(result, 403, "arguments")
}

test_transfer_within_limits if {
	result := authz.result with input as call("books-1", "transfer_funds", transfer)
	result.allowed
}

test_path_below_the_prefix if {
	result := authz.result with input as call("research-1", "read_file", {"path": "/srv/papers/a.pdf"})
	result.allowed
}

test_path_out_of_the_prefix if {
	every path in ["/etc/passwd", "/srv/papers/../invoices/1", "/srv/papersX", ["/srv/papers/a"]] {
		result := authz.result with input as call("research-1", "read_file", {"path": path})
		denied(result, 403, "arguments")
	}
}

test_tool_of_another_role if {
	result := authz.result with input as call("research-1", "transfer_funds", transfer)
	denied(result, 403, "tool")
}

test_tool_nobody_has if {
	every tool in ["shell", "", 7, null, ["read_file"]] {
		result := authz.result with input as call("research-1", tool, {})
		denied(result, 403, "tool")
	}
}

test_unknown_agent if {
	every agent in ["nobody", "", "research-1,books-1"] {
		result := authz.result with input as call(agent, "search_web", {"query": "x"})
		denied(result, 403, "tool")
	}
}

test_arguments_must_be_an_object if {
	every args in [[], null, "x", 1, ["path"]] {
		result := authz.result with input as call("research-1", "search_web", args)
		denied(result, 403, "arguments")
	}
}

test_other_methods if {
	every method in ["resources/read", "tools/callx", "", 1] {
		result := authz.result with input as posted("research-1", message(method))
		denied(result, 403, "method")
	}
}

test_message_without_method if {
	result := authz.result with input as posted("research-1", {"jsonrpc": "2.0", "id": 1, "result": {}})
	denied(result, 403, "method")
}

test_batch if {
	every batch in [[], [message("ping")], [message("ping"), message("tools/call")]] {
		result := authz.result with input as posted("research-1", batch)
		denied(result, 400, "batches")
	}
}

test_not_json_rpc if {
	every body in [null, "ping", 1, {}, {"method": "ping"}, {"jsonrpc": "1.0", "method": "ping"}] {
		result := authz.result with input as posted("research-1", body)
		denied(result, 400, "JSON-RPC")
	}
}

test_truncated if {
	truncated := {"parsed_body": null, "truncated_body": true}
	result := authz.result with input as object.union(posted("research-1", message("ping")), truncated)
	denied(result, 413, "too large")
}

test_session_requests_of_known_agents if {
	every method in ["GET", "DELETE"] {
		known := authz.result with input as bodiless("research-1", method)
		known.allowed
		unknown := authz.result with input as bodiless("nobody", method)
		denied(unknown, 403, "agent")
	}
}

test_other_verbs if {
	result := authz.result with input as bodiless("research-1", "PUT")
	denied(result, 400, "JSON-RPC")
}

test_empty_input_is_denied if {
	result := authz.result with input as {}
	denied(result, 400, "JSON-RPC")
}
