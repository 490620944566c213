package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"
	"github.com/open-policy-agent/opa/v1/util"
)

// question is what OPA is asked: modules, data, input and a query.
type question struct {
	V0      bool              `json:"v0,omitempty"`
	Modules map[string]string `json:"modules"`
	Data    map[string]any    `json:"data,omitempty"`
	// Input is tagged (tagged.go); absent: undefined.
	Input *any   `json:"input,omitempty"`
	Query string `json:"query"`
	// Strict makes errors of builtins end the evaluation.
	Strict bool `json:"strict,omitempty"`
	// SkipPlan and SkipResult leave out half of the answer.
	SkipPlan   bool `json:"skip_plan,omitempty"`
	SkipResult bool `json:"skip_result,omitempty"`

	// Experimental allows the keywords that OPA calls experimental.
	Experimental bool `json:"experimental,omitempty"`

	input ast.Value
}

// answered is OPA's answer. Result has the bindings of each solution, values tagged; it is null if Error is set.
type answered struct {
	Result    []map[string]any `json:"result"`
	Error     *failure         `json:"error,omitempty"`
	Plan      json.RawMessage  `json:"plan,omitempty"`
	PlanError string           `json:"plan_error,omitempty"`
}

type failure struct {
	// Code is OPA's: rego_parse_error, rego_type_error, eval_conflict_error, eval_builtin_error, …
	Code    string `json:"code"`
	Message string `json:"message"`
}

// testBuiltin stands for the function that OPA's own test runner adds.
var testBuiltin = &rego.Function{
	Name: "test.sleep",
	Decl: types.NewFunction(types.Args(types.S), types.NewNull()),
}

func (q *question) options() []func(*rego.Rego) {
	options := []func(*rego.Rego){
		rego.Query(q.Query),
		rego.StrictBuiltinErrors(q.Strict),
		rego.Function1(testBuiltin, func(rego.BuiltinContext, *ast.Term) (*ast.Term, error) {
			return ast.NullTerm(), nil
		}),
	}
	version := ast.RegoV1
	if q.V0 {
		version = ast.RegoV0
	}
	options = append(options, rego.SetRegoVersion(version))
	if q.Experimental {
		options = append(options, rego.Capabilities(ast.CapabilitiesForThisVersion(ast.CapabilitiesExperimentalKeywords(true))))
	}
	for name, text := range q.Modules {
		options = append(options, rego.Module(name, text))
	}
	if q.Data != nil {
		options = append(options, rego.Store(inmem.NewFromObject(q.Data)))
	}
	return options
}

func (q *question) answer() answered {
	var reply answered
	if !q.SkipPlan {
		plan, err := plan(q)
		reply.Plan = plan
		if err != nil {
			reply.PlanError = err.Error()
		}
	}
	if q.SkipResult {
		return reply
	}
	prepared, err := q.prepare()
	if err != nil {
		reply.Error = describe(err)
		return reply
	}
	evaluated := evaluateWith(prepared, q.input)
	reply.Result, reply.Error = evaluated.Result, evaluated.Error
	return reply
}

// prepare compiles the policy and the query; what is evaluated later gives tagged bindings.
func (q *question) prepare() (rego.PreparedEvalQuery, error) {
	return rego.New(append(q.options(), taggedBindings())...).PrepareForEval(context.Background())
}

// evaluateWith answers for an input; nil: there is none.
func evaluateWith(prepared rego.PreparedEvalQuery, input ast.Value) answered {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var evaluation []rego.EvalOption
	if input != nil {
		evaluation = append(evaluation, rego.EvalParsedInput(input))
	}
	solutions, err := prepared.Eval(ctx, evaluation...)
	if err != nil {
		return answered{Error: describe(err)}
	}
	return answered{Result: bindings(solutions)}
}

// taggedBindings has the library read solutions as tagged values, not as the Go structures that lose sets.
func taggedBindings() func(*rego.Rego) {
	return rego.GenerateJSON(func(term *ast.Term, _ *rego.EvalContext) (any, error) {
		return tag(term.Value)
	})
}

func bindings(solutions rego.ResultSet) []map[string]any {
	result := make([]map[string]any, 0, len(solutions))
	for _, solution := range solutions {
		result = append(result, solution.Bindings)
	}
	return result
}

// describe takes the outermost code: an error of a builtin may carry one of the parser.
func describe(err error) *failure {
	var evaluation *topdown.Error
	var list rego.Errors
	var compile ast.Errors
	var one *ast.Error
	switch {
	case errors.As(err, &evaluation):
		return &failure{Code: evaluation.Code, Message: err.Error()}
	case errors.As(err, &list) && len(list) > 0:
		return describe(list[0])
	case errors.As(err, &compile) && len(compile) > 0:
		return &failure{Code: compile[0].Code, Message: err.Error()}
	case errors.As(err, &one):
		return &failure{Code: one.Code, Message: err.Error()}
	}
	return &failure{Code: "other", Message: err.Error()}
}

func answerLine(line []byte) (any, error) {
	var q question
	if err := util.UnmarshalJSON(line, &q); err != nil {
		return nil, err
	}
	if q.Input != nil {
		input, err := untag(*q.Input)
		if err != nil {
			return nil, err
		}
		q.input = input
	}
	return q.answer(), nil
}
