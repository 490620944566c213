package main

import (
	"encoding/json"

	"github.com/open-policy-agent/opa/v1/ast"
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
	prepared, err := q.prepare()
	if err != nil {
		reply.Error = describe(err)
		return reply
	}
	if reply.Plan, err = plan(q); err != nil {
		reply.Error = &failure{Code: "plan", Message: err.Error()}
		return reply
	}
	for _, input := range inputs {
		reply.Answers = append(reply.Answers, evaluateWith(prepared, input.Value))
	}
	return reply
}
