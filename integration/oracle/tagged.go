package main

import (
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
)

// tag writes a value as JSON that keeps what JSON has no form for: a set is {"$set": [members]}, an object with
// a key that is no string is {"$object": [[key, value]]}. Numbers keep their text.
func tag(value ast.Value) (any, error) {
	switch value := value.(type) {
	case ast.Null:
		return nil, nil
	case ast.Boolean:
		return bool(value), nil
	case ast.String:
		return string(value), nil
	case ast.Number:
		return json.Number(value), nil
	case *ast.Array:
		items := make([]any, 0, value.Len())
		err := value.Iter(func(item *ast.Term) error { return appendTagged(&items, item) })
		return items, err
	case ast.Set:
		items := make([]any, 0, value.Len())
		err := value.Iter(func(item *ast.Term) error { return appendTagged(&items, item) })
		return map[string]any{"$set": items}, err
	case ast.Object:
		return tagObject(value)
	}
	return nil, fmt.Errorf("no JSON form for %T", value)
}

func appendTagged(items *[]any, term *ast.Term) error {
	item, err := tag(term.Value)
	*items = append(*items, item)
	return err
}

func tagObject(object ast.Object) (any, error) {
	named := map[string]any{}
	pairs := make([]any, 0, object.Len())
	err := object.Iter(func(key, value *ast.Term) error {
		pair := make([]any, 0, 2)
		if err := appendTagged(&pair, key); err != nil {
			return err
		}
		if err := appendTagged(&pair, value); err != nil {
			return err
		}
		if name, ok := key.Value.(ast.String); ok {
			named[string(name)] = pair[1]
		}
		pairs = append(pairs, pair)
		return nil
	})
	if len(named) == len(pairs) {
		return named, err
	}
	return map[string]any{"$object": pairs}, err
}

// untag is the inverse of tag.
func untag(value any) (ast.Value, error) {
	switch value := value.(type) {
	case []any:
		items, err := untagAll(value)
		return ast.NewArray(items...), err
	case map[string]any:
		if items, ok := value["$set"].([]any); ok && len(value) == 1 {
			terms, err := untagAll(items)
			return ast.NewSet(terms...), err
		}
		if pairs, ok := value["$object"].([]any); ok && len(value) == 1 {
			return untagPairs(pairs)
		}
		object := ast.NewObject()
		for key, item := range value {
			item, err := untag(item)
			if err != nil {
				return nil, err
			}
			object.Insert(ast.StringTerm(key), ast.NewTerm(item))
		}
		return object, nil
	}
	return ast.InterfaceToValue(value)
}

func untagAll(values []any) ([]*ast.Term, error) {
	terms := make([]*ast.Term, 0, len(values))
	for _, value := range values {
		value, err := untag(value)
		if err != nil {
			return nil, err
		}
		terms = append(terms, ast.NewTerm(value))
	}
	return terms, nil
}

func untagPairs(pairs []any) (ast.Value, error) {
	object := ast.NewObject()
	for _, pair := range pairs {
		pair, ok := pair.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("a pair of $object is no [key, value]")
		}
		terms, err := untagAll(pair)
		if err != nil {
			return nil, err
		}
		object.Insert(terms[0], terms[1])
	}
	return object, nil
}
