package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// serving is what the server says of itself before it serves.
type serving struct {
	Address string `json:"address"`
	// Descriptors is a FileDescriptorSet.
	Descriptors []byte `json:"descriptors"`
}

// health answers grpc.health.v1.Health/Check: every service is up but the one named "missing". A trailer
// tells how many calls have arrived, and a header what the proxy added to the call.
type health struct {
	healthpb.UnimplementedHealthServer
	calls atomic.Int64
}

func (h *health) Check(ctx context.Context, request *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	calls := strconv.FormatInt(h.calls.Add(1), 10)
	incoming, _ := metadata.FromIncomingContext(ctx)
	header := metadata.MD{"x-got": incoming.Get("x-added")}
	trailer := metadata.Pairs("x-calls", calls)
	if err := grpc.SetHeader(ctx, header); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, trailer); err != nil {
		return nil, err
	}
	if request.Service == "missing" {
		return nil, status.Error(codes.NotFound, "no such service")
	}
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

// serveGRPC serves on a free port until standard input ends.
func serveGRPC(out *bufio.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	file := protodesc.ToFileDescriptorProto(healthpb.File_grpc_health_v1_health_proto)
	set, err := proto.Marshal(&descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{file}})
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(serving{listener.Addr().String(), set}); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, &health{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	return server.Serve(listener)
}
