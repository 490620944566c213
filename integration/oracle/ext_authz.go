package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	authpb "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/loader"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/util"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
)

// authorization stands in for opa-envoy-plugin in benchmarks: Envoy's ext_authz over gRPC, answered by OPA's evaluator
// from a prepared query. It does what the plugin does for every boolean decision and leaves out what can be switched
// off there: decision log, metrics, bodies. Not for tests of meaning.
type authorization struct {
	query rego.PreparedEvalQuery
}

// serving address, printed before it serves.
type authorizing struct {
	Address string `json:"address"`
}

// serveExtAuthz serves the decision data.envoy.authz.allow of files of Rego and JSON, on a free port, until standard
// input ends.
func serveExtAuthz(out *bufio.Writer) error {
	query, err := prepare(os.Args[2:])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(authorizing{listener.Addr().String()}); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	server := grpc.NewServer()
	authpb.RegisterAuthorizationServer(server, &authorization{query})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	return server.Serve(listener)
}

func prepare(files []string) (rego.PreparedEvalQuery, error) {
	loaded, err := loader.NewFileLoader().All(files)
	if err != nil {
		return rego.PreparedEvalQuery{}, err
	}
	compiler, err := loaded.Compiler()
	if err != nil {
		return rego.PreparedEvalQuery{}, err
	}
	store, err := loaded.Store()
	if err != nil {
		return rego.PreparedEvalQuery{}, err
	}
	query := rego.New(rego.Query("data.envoy.authz.allow"), rego.Compiler(compiler), rego.Store(store))
	return query.PrepareForEval(context.Background())
}

// Check answers one request, as the plugin does.
func (a *authorization) Check(ctx context.Context, request *authpb.CheckRequest) (*authpb.CheckResponse, error) {
	input, err := documentOf(request)
	if err != nil {
		return nil, err
	}
	results, err := a.query.Eval(ctx, rego.EvalParsedInput(input), rego.EvalTime(time.Now()))
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || len(results[0].Expressions) != 1 {
		return nil, fmt.Errorf("the decision is undefined")
	}
	code := codes.PermissionDenied
	if allowed, isBoolean := results[0].Expressions[0].Value.(bool); isBoolean && allowed {
		code = codes.OK
	}
	return &authpb.CheckResponse{Status: &statuspb.Status{Code: int32(code)}}, nil
}

// documentOf makes the plugin's input document of a request without a body, in the plugin's way: protobuf's JSON, read
// again, with what it parses beside it.
func documentOf(request *authpb.CheckRequest) (ast.Value, error) {
	text, err := protojson.Marshal(request)
	if err != nil {
		return nil, err
	}
	var input map[string]any
	if err := util.UnmarshalJSON(text, &input); err != nil {
		return nil, err
	}
	parsed, err := url.Parse(request.GetAttributes().GetRequest().GetHttp().GetPath())
	if err != nil {
		return nil, err
	}
	pieces := []any{}
	for _, piece := range strings.Split(strings.TrimLeft(parsed.Path, "/"), "/") {
		pieces = append(pieces, piece)
	}
	query := map[string]any{}
	for name, values := range parsed.Query() {
		all := make([]any, len(values))
		for index, value := range values {
			all[index] = value
		}
		query[name] = all
	}
	input["parsed_path"], input["parsed_query"], input["parsed_body"] = pieces, query, nil
	input["truncated_body"] = false
	input["version"] = map[string]any{"encoding": "protojson", "ext_authz": "v3"}
	return ast.InterfaceToValue(input)
}
