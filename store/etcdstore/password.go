package etcdstore

import (
	"context"
	"errors"
	"sync/atomic"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Password returns the options of a connection that signs in by name and password,
// for clientv3.Config.DialOptions, in place of its Username and Password:
//
//	clientv3.New(clientv3.Config{Endpoints: endpoints, DialOptions: etcdstore.Password("totpflow", secret)})
//
// etcd answers with a token, which it forgets after five minutes without a call by
// default. After such a refusal, which has changed nothing, these options sign in again
// and repeat the call. The client's own Username and Password do the same with a server
// from 3.5 on (tested with 3.5.0, 3.5.35, 3.6.9, 3.6.16 and 3.7.3), and not with an older
// one (3.4.23), which refuses the expired token even where the client asks for a new one:
// every call then runs into its deadline until the process is started again.
//
// Until it expires, a token is worth as much as the password: use TLS. Use the options
// for one client only; they are safe for concurrent use.
func Password(username, password string) []grpc.DialOption {
	l := &login{username: username, password: password, turn: make(chan struct{}, 1)}
	return []grpc.DialOption{grpc.WithPerRPCCredentials(l), grpc.WithChainUnaryInterceptor(l.call)}
}

// A login holds the token of one client.
type login struct {
	username, password string
	turn               chan struct{} // holds a value while somebody signs in
	token              atomic.Pointer[string]
}

const authenticate = "/etcdserverpb.Auth/Authenticate"

// RequireTransportSecurity implements credentials.PerRPCCredentials. The host decides
// whether the connection is encrypted, as with the client's own credentials.
func (*login) RequireTransportSecurity() bool { return false }

// GetRequestMetadata implements credentials.PerRPCCredentials. A call that
// signs in shows no token: an expired one would be refused there too.
func (l *login) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token := l.token.Load()
	if info, _ := credentials.RequestInfoFromContext(ctx); token == nil || info.Method == authenticate {
		return nil, nil
	}
	return map[string]string{rpctypes.TokenFieldNameGRPC: *token}, nil
}

// call is a grpc.UnaryClientInterceptor, nearer to the wire than the client's own.
func (l *login) call(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	before := l.token.Load()
	err := invoke(ctx, method, req, reply, cc, opts...)
	if method == authenticate || !refused(err) {
		return err
	}
	if err := l.renew(ctx, before, cc, invoke); err != nil {
		return err
	}
	return invoke(ctx, method, req, reply, cc, opts...)
}

// refused reports whether the server has not done what it was asked, because it did not
// know the token.
func refused(err error) bool {
	err = rpctypes.Error(err)
	return errors.Is(err, rpctypes.ErrInvalidAuthToken) || errors.Is(err, rpctypes.ErrUserEmpty) || errors.Is(err, rpctypes.ErrAuthOldRevision)
}

// renew signs in, unless another call has done so since the refused token was issued.
func (l *login) renew(ctx context.Context, before *string, cc *grpc.ClientConn, invoke grpc.UnaryInvoker) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-l.turn }()
	if l.token.Load() != before {
		return nil
	}
	var reply etcdserverpb.AuthenticateResponse
	if err := invoke(ctx, authenticate, &etcdserverpb.AuthenticateRequest{Name: l.username, Password: l.password}, &reply, cc); err != nil {
		return err
	}
	l.token.Store(&reply.Token)
	return nil
}
