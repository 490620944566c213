package main

import (
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	// What opa-envoy-plugin links: the types that a google.protobuf.Any may hold.
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// encoded is a protobuf message of a type in a FileDescriptorSet.
type encoded struct {
	Descriptors []byte `json:"descriptors"`
	Type        string `json:"type"`
	Message     []byte `json:"message"`
}

// decoded has JSON, as opa-envoy-plugin makes it, or Error.
type decoded struct {
	JSON  json.RawMessage `json:"json,omitempty"`
	Error string          `json:"error,omitempty"`
}

func messageLine(line []byte) (any, error) {
	var message encoded
	if err := json.Unmarshal(line, &message); err != nil {
		return nil, err
	}
	descriptor, err := messageType(message)
	if err != nil {
		return nil, err
	}
	value := dynamicpb.NewMessage(descriptor)
	if err := proto.Unmarshal(message.Message, value); err != nil {
		return decoded{Error: err.Error()}, nil
	}
	text, err := protojson.Marshal(value)
	if err != nil {
		return decoded{Error: err.Error()}, nil
	}
	return decoded{JSON: text}, nil
}

func messageType(message encoded) (protoreflect.MessageDescriptor, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(message.Descriptors, &set); err != nil {
		return nil, err
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, err
	}
	found, err := files.FindDescriptorByName(protoreflect.FullName(message.Type))
	if err != nil {
		return nil, err
	}
	descriptor, ok := found.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, errors.New("no message: " + message.Type)
	}
	return descriptor, nil
}
