package envoy.authz

default allow := false

allow if data.open[input.parsed_path[0]]
