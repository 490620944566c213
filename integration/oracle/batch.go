package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/util"
)

// batch asks several queries of one policy, each with several inputs.
type batch struct {
	question
	// Inputs are tagged.
	Inputs  []any    `json:"inputs"`
	Queries []string `json:"queries"`
}

// batchReply has one entry a query.
type batchReply struct {
	Error   *failure      `json:"error,omitempty"`
	Queries []queryAnswer `json:"queries,omitempty"`
}

// queryAnswer has one answer an input, in order. A query that does not compile has an Error instead.
type queryAnswer struct {
	Error   *failure        `json:"error,omitempty"`
	Plan    json.RawMessage `json:"plan,omitempty"`
	Answers []answered      `json:"answers,omitempty"`
}

func batchLine(line []byte) (any, error) {
	var asked batch
	if err := util.UnmarshalJSON(line, &asked); err != nil {
		return nil, err
	}
	inputs, err := untagAll(asked.Inputs)
	if err != nil {
		return nil, err
	}
	var reply batchReply
	for _, query := range asked.Queries {
		asked.Query = query
		reply.Queries = append(reply.Queries, asked.answerAll(inputs))
	}
	return reply, nil
}

func (q *question) answerAll(inputs []*ast.Term) queryAnswer {
	var reply queryAnswer
	prepared, err := rego.New(append(q.options(), taggedBindings())...).PrepareForEval(context.Background())
	if err != nil {
		reply.Error = describe(err)
		return reply
	}
	if reply.Plan, err = plan(q); err != nil {
		reply.Error = &failure{Code: "plan", Message: err.Error()}
		return reply
	}
	for _, input := range inputs {
		reply.Answers = append(reply.Answers, answerOne(prepared, input.Value))
	}
	return reply
}

func answerOne(prepared rego.PreparedEvalQuery, input ast.Value) answered {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	solutions, err := prepared.Eval(ctx, rego.EvalParsedInput(input))
	if err != nil {
		return answered{Error: describe(err)}
	}
	return answered{Result: bindings(solutions)}
}
