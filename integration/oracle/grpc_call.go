package main

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// healthCall is one call of grpc.health.v1.Health/Check.
type healthCall struct {
	Address string `json:"address"`
	// Service is the whole of the message.
	Service  string            `json:"service"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Gzip     bool              `json:"gzip,omitempty"`
}

// healthReply is what the client reports.
type healthReply struct {
	Code     string              `json:"code"`
	Message  string              `json:"message"`
	Status   string              `json:"status"`
	Headers  map[string][]string `json:"headers"`
	Trailers map[string][]string `json:"trailers"`
}

// callLineGRPC makes a call over a connection of its own.
func callLineGRPC(line []byte) (any, error) {
	var call healthCall
	if err := json.Unmarshal(line, &call); err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient(call.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	ctx = metadata.NewOutgoingContext(ctx, metadata.New(call.Metadata))
	var headers, trailers metadata.MD
	options := []grpc.CallOption{grpc.Header(&headers), grpc.Trailer(&trailers)}
	if call.Gzip {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	request := &healthpb.HealthCheckRequest{Service: call.Service}
	response, err := healthpb.NewHealthClient(connection).Check(ctx, request, options...)
	told := status.Convert(err)
	reply := healthReply{Code: told.Code().String(), Message: told.Message(), Headers: headers, Trailers: trailers}
	if err == nil {
		reply.Status = response.Status.String()
	}
	return reply, nil
}
