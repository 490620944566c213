package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/test/cases"
)

// caseLine is one conformance case: what OPA's file says, and the answer of this OPA.
type caseLine struct {
	// Name is version/folder/note.
	Name    string            `json:"name"`
	Version string            `json:"version"`
	Folder  string            `json:"folder"`
	Query   string            `json:"query"`
	Modules map[string]string `json:"modules"`
	Data    map[string]any    `json:"data,omitempty"`
	// Input is tagged; absent: undefined.
	Input         any               `json:"input,omitempty"`
	HasInput      bool              `json:"has_input"`
	Strict        bool              `json:"strict,omitempty"`
	Env           map[string]string `json:"env,omitempty"`
	WantResult    any               `json:"want_result,omitempty"`
	WantDefined   *bool             `json:"want_defined,omitempty"`
	WantErrorCode *string           `json:"want_error_code,omitempty"`
	WantError     *string           `json:"want_error,omitempty"`
	SortBindings  bool              `json:"sort_bindings,omitempty"`
	IgnoreVars    bool              `json:"ignore_generated_vars,omitempty"`
	answered
}

// printCases writes every case of the OPA module's own suite.
func printCases(out *bufio.Writer) error {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/open-policy-agent/opa").Output()
	if err != nil {
		return fmt.Errorf("go list, run in integration/oracle: %w", err)
	}
	encoder := json.NewEncoder(out)
	for _, version := range []string{"v1", "v0"} {
		root := filepath.Join(strings.TrimSpace(string(folder)), "v1", "test", "cases", "testdata", version)
		set, err := cases.Load(root)
		if err != nil {
			return err
		}
		for _, one := range set.Cases {
			line, err := readCase(version, one)
			if err != nil {
				return fmt.Errorf("%s: %w", one.Note, err)
			}
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func readCase(version string, one cases.TestCase) (caseLine, error) {
	folder := filepath.Base(filepath.Dir(one.Filename))
	line := caseLine{
		Name:          version + "/" + one.Note,
		Version:       version,
		Folder:        folder,
		Query:         one.Query,
		Modules:       map[string]string{},
		Strict:        one.StrictError,
		Env:           one.Env,
		WantDefined:   one.WantDefined,
		WantErrorCode: one.WantErrorCode,
		WantError:     one.WantError,
		SortBindings:  one.SortBindings,
		IgnoreVars:    one.IgnoreGeneratedVars,
	}
	if one.WantResult != nil {
		line.WantResult = *one.WantResult
	}
	if one.Data != nil {
		line.Data = *one.Data
	}
	for index, text := range one.Modules {
		line.Modules[fmt.Sprintf("test-%d.rego", index)] = text
	}
	input, err := inputOf(one)
	if err != nil {
		return line, err
	}
	if input != nil {
		line.HasInput = true
		if line.Input, err = tag(input); err != nil {
			return line, err
		}
	}
	asked := question{
		V0: version == "v0", Modules: line.Modules, Data: line.Data, Query: one.Query, Strict: one.StrictError,
		input: input, experimental: one.ExperimentalKeywords,
	}
	line.answered = asked.answer()
	return line, nil
}

func inputOf(one cases.TestCase) (ast.Value, error) {
	if one.InputTerm != nil {
		term, err := ast.ParseTerm(*one.InputTerm)
		if err != nil {
			return nil, err
		}
		return term.Value, nil
	}
	if one.Input == nil {
		return nil, nil
	}
	return ast.InterfaceToValue(*one.Input)
}
