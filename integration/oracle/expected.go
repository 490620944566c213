package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/test/cases"
	"github.com/open-policy-agent/opa/v1/util"
)

// unexpected compares an answer with what the file of the case wants, as leniently as OPA's own runner does: sets are
// arrays, generated variables may be ignored. Empty: as wanted.
func unexpected(one cases.TestCase, got answered) string {
	if one.WantError != nil || one.WantErrorCode != nil {
		return unexpectedError(one, got.Error)
	}
	if got.Error != nil {
		return "an error: " + got.Error.Message
	}
	if one.WantResult == nil {
		return ""
	}
	want := ast.NewSet()
	for _, bindings := range *one.WantResult {
		value, err := ast.InterfaceToValue(bindings)
		if err != nil {
			return err.Error()
		}
		want.Add(ast.NewTerm(value))
	}
	result := ast.NewSet()
	for _, bindings := range got.Result {
		value, err := plainBindings(bindings, one.SortBindings)
		if err != nil {
			return err.Error()
		}
		result.Add(ast.NewTerm(value))
	}
	if want.Compare(result) != 0 {
		return fmt.Sprintf("the result %v, not %v", result, want)
	}
	return ""
}

func unexpectedError(one cases.TestCase, got *failure) string {
	switch {
	case got == nil:
		return "no error"
	case one.WantErrorCode != nil && *one.WantErrorCode != got.Code:
		return fmt.Sprintf("the error %s, not %s", got.Code, *one.WantErrorCode)
	case one.WantError != nil && !strings.Contains(got.Message, *one.WantError):
		return fmt.Sprintf("the error %q, not %q", got.Message, *one.WantError)
	}
	return ""
}

// plainBindings are tagged bindings in the form of the case files.
func plainBindings(bindings map[string]any, sorted bool) (ast.Value, error) {
	plain := map[string]any{}
	for name, tagged := range bindings {
		value, err := untag(tagged)
		if err != nil {
			return nil, err
		}
		json, err := ast.JSON(value)
		if err != nil {
			return nil, err
		}
		if items, ok := json.([]any); ok && sorted {
			slices.SortFunc(items, util.Compare)
		}
		plain[name] = json
	}
	return ast.InterfaceToValue(plain)
}
