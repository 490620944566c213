// The oracle answers what OPA answers: OPA's own compiler, planner and evaluator as a library,
// pinned to the version of scripts/versions. Tests ask it; nothing of it is shipped. gRPC and protobuf
// are Go's own here as well: what clients, servers and opa-envoy-plugin use.
//
//	oracle cases                every conformance case of OPA's module, planned and answered, one JSON line each
//	oracle answer               reads one JSON request a line, writes one JSON answer a line
//	oracle batch                reads one policy with several queries and inputs a line, answers them all
//	oracle call                 reads one builtin call a line, writes its value
//	oracle vectors FILE…        puts OPA's answers into files of builtin calls, in place
//	oracle facts FILE…          puts OPA's plans and answers into a file of policies, in place
//	oracle message              reads one protobuf message a line, writes it as protobuf's JSON
//	oracle grpc-call            makes one call of the health service a line, writes what the client reports
//	oracle grpc-serve           serves the health service until its input ends
//	oracle ext-authz FILE…      answers Envoy's ext_authz from a policy and its data until its input ends, for benchmarks
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: oracle cases | answer | batch | call | vectors FILE… | facts FILE… | message | grpc-call | grpc-serve | ext-authz FILE…"))
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	var err error
	switch os.Args[1] {
	case "cases":
		err = printCases(out)
	case "answer":
		err = eachLine(out, answerLine)
	case "batch":
		err = eachLine(out, batchLine)
	case "call":
		err = eachLine(out, callLine)
	case "vectors":
		err = eachFile(rewriteVector)
	case "facts":
		err = eachFile(rewriteFact)
	case "message":
		err = eachLine(out, messageLine)
	case "grpc-call":
		err = eachLine(out, callLineGRPC)
	case "grpc-serve":
		err = serveGRPC(out)
	case "ext-authz":
		err = serveExtAuthz(out)
	default:
		err = fmt.Errorf("no such command: %s", os.Args[1])
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "oracle:", err)
	os.Exit(1)
}

// eachFile rewrites the files that the command line names.
func eachFile(rewrite func(line []byte) (any, error)) error {
	for _, path := range os.Args[2:] {
		if err := rewriteLines(path, rewrite); err != nil {
			return err
		}
	}
	return nil
}

// eachLine answers every line of standard input, and flushes after each, so that a test can ask one at a time.
func eachLine(out *bufio.Writer, answer func([]byte) (any, error)) error {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<28)
	for in.Scan() {
		reply, err := answer(in.Bytes())
		if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(reply); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return in.Err()
}
