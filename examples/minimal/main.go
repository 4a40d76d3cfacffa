// Command minimal is a small product with a second factor, to copy from: people sign in
// with a password and a code, see their backups, delete one with another code, and change
// their password. The lines for the second factor are between marks; the rest is what a
// product has anyway.
//
//	go run ./examples/minimal
//
// It keeps nothing: each run begins with a new database. If you name a file, it keeps
// everything, and then you must keep the keys, too:
//
//	TOTPFLOW_KEYS=… go run ./examples/minimal minimal.db
package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	_ "modernc.org/sqlite"

	"github.com/totpflow/totpflow"
	"github.com/totpflow/totpflow/keyring"
	"github.com/totpflow/totpflow/policy"
	"github.com/totpflow/totpflow/store/sqlstore"
	"github.com/totpflow/totpflow/web"
)

const address = "localhost:8080"

func main() {
	if err := run(os.Args[1:], os.Getenv("TOTPFLOW_KEYS")); err != nil {
		log.Fatal(err)
	}
}

func run(args []string, keys string) error {
	file := ""
	if len(args) > 0 {
		file = args[0]
	} else {
		dir, err := os.MkdirTemp("", "minimal")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		file, keys = filepath.Join(dir, "minimal.db"), keyring.Generate()
	}
	product, err := newProduct(file, keys, time.Now)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s: sign in as ana@acme.example with the password correct-horse\n", address)
	return http.ListenAndServe(address, product) //nolint:gosec // an example on this machine; a product sets timeouts
}

// A product has people, sessions and backups.
type product struct {
	db       *sql.DB
	sessions *scs.SessionManager
	pages    *web.Web
}

const schema = `
CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, email TEXT UNIQUE NOT NULL, password TEXT NOT NULL, generation INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS logins (id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users, mark TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS backups (id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users, name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);`

// open returns the product over a database file, with accounts and sessions.
func open(file string) (*product, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(context.Background(), schema); err != nil {
		return nil, err
	}
	p := &product{db: db, sessions: scs.New()}
	p.sessions.Store = sqlite3store.New(db)
	p.sessions.Cookie.Name, p.sessions.Cookie.Secure = "__Host-session", true
	return p, p.addDemo()
}

// newProduct returns the product's pages.
func newProduct(file, keys string, now func() time.Time) (http.Handler, error) {
	p, err := open(file)
	if err != nil {
		return nil, err
	}

	// second factor: make the service and its pages
	// region service
	ring, err := keyring.Parse(keys)
	if err != nil {
		return nil, err
	}
	factors := sqlstore.New(p.db, sqlstore.SQLite)
	if err := factors.Migrate(context.Background()); err != nil {
		return nil, err
	}
	mfa, err := totpflow.New(totpflow.Config{Issuer: "Acme Backup", Store: factors, Keys: ring, Policy: policy.Fixed{Mode: policy.Optional}, Now: now})
	if err != nil {
		return nil, err
	}
	p.pages, err = web.New(web.Config{Service: mfa, Host: p, Product: "Acme Backup", KeepGeneration: p.keepGeneration, Now: now})
	if err = errors.Join(err, mfa.Ready(context.Background())); err != nil { // also fails with another database's keys
		return nil, err
	}
	// endregion
	// end

	app := http.NewServeMux()
	app.HandleFunc("GET /{$}", p.home)
	app.HandleFunc("GET /password", p.showPassword)
	app.HandleFunc("POST /password", p.changePassword)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /signin", p.showSignIn)
	mux.HandleFunc("POST /signin", p.signIn)

	// second factor: mount the pages, require a session, ask for a code before a deletion
	// region mount
	mux.Handle("/2fa/", p.pages.Handler())
	mux.Handle("/", p.pages.Require(app))
	mux.Handle("POST /backups/{id}/delete", p.pages.StepUp("delete backup", p.target)(http.HandlerFunc(p.deleteBackup)))
	// endregion
	// end

	return p.sessions.LoadAndSave(mux), nil
}

// second factor: what the pages ask of the product

// Session returns the person who is signed in. The session library keeps the id of a login, and the
// table knows whose login it is, so a request that is under way during a sign-out cannot
// bring the session back.
func (p *product) Session(r *http.Request) (s web.Session, err error) {
	err = p.db.QueryRowContext(r.Context(), `SELECT users.id, email, generation, mark FROM logins JOIN users ON users.id = user WHERE logins.id = ?`,
		p.sessions.GetString(r.Context(), "login")).Scan(&s.User.ID.User, &s.User.Name, &s.User.Generation, &s.Mark)
	if errors.Is(err, sql.ErrNoRows) {
		return web.Session{}, nil
	}
	return s, err
}

// region begin
// Begin starts a session under a new token, with nothing from the previous one.
func (p *product) Begin(w http.ResponseWriter, r *http.Request, d totpflow.Decision) error {
	login := rand.Text()
	_, err := p.db.ExecContext(r.Context(), `INSERT INTO logins VALUES (?, ?, ?)`, login, d.ID.User, d.Mark)
	if err = errors.Join(err, p.dropLogin(r), p.sessions.RenewToken(r.Context()), p.sessions.Clear(r.Context())); err != nil {
		return err
	}
	p.sessions.Put(r.Context(), "login", login)
	return nil
}

// endregion

// End ends the session on the server.
func (p *product) End(w http.ResponseWriter, r *http.Request) error {
	return errors.Join(p.dropLogin(r), p.sessions.Destroy(r.Context()))
}

func (p *product) dropLogin(r *http.Request) error {
	_, err := p.db.ExecContext(r.Context(), `DELETE FROM logins WHERE id = ?`, p.sessions.GetString(r.Context(), "login"))
	return err
}

// CheckPassword is called before an enrollment in an open session.
func (p *product) CheckPassword(ctx context.Context, id totpflow.AccountID, password string) error {
	_, err := p.passwordOf(ctx, "id", id.User, password)
	return err
}

// keepGeneration lets the library notice a record that was deleted or put back.
func (p *product) keepGeneration(ctx context.Context, id totpflow.AccountID, generation uint64) error {
	_, err := p.db.ExecContext(ctx, `UPDATE users SET generation = MAX(generation, ?) WHERE id = ?`, generation, id.User)
	return err
}

// end

// passwordOf returns the user with this id or e-mail address, if the password is right. A
// product limits guesses before this call, by account and by network address.
func (p *product) passwordOf(ctx context.Context, column, value, password string) (u totpflow.User, err error) {
	var hash string
	err = p.db.QueryRowContext(ctx, `SELECT id, email, generation, password FROM users WHERE `+column+` = ?`, value).
		Scan(&u.ID.User, &u.Name, &u.Generation, &hash)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return totpflow.User{}, web.ErrPassword
	case err != nil:
		return totpflow.User{}, err
	case !passwordMatches(hash, password):
		return totpflow.User{}, web.ErrPassword
	}
	return u, nil
}

func (p *product) showSignIn(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, "signin", nil)
}

func (p *product) signIn(w http.ResponseWriter, r *http.Request) {
	user, err := p.passwordOf(r.Context(), "email", r.PostFormValue("email"), r.PostFormValue("password"))
	switch {
	case errors.Is(err, web.ErrPassword):
		show(w, http.StatusUnauthorized, "signin", "E-mail address and password do not match.")
		return
	case err != nil:
		http.Error(w, "Please try again.", http.StatusServiceUnavailable)
		return
	}
	// second factor: the last line of the sign-in
	// region last
	p.pages.AfterPassword(w, r, user)
	// endregion
	// end
}

func (p *product) showPassword(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, "password", nil)
}

func (p *product) changePassword(w http.ResponseWriter, r *http.Request) {
	user := web.SessionOf(r).User
	if _, err := p.passwordOf(r.Context(), "id", user.ID.User, r.PostFormValue("old")); err != nil {
		show(w, http.StatusUnauthorized, "password", "The old password is not right.")
		return
	}
	if _, err := p.db.ExecContext(r.Context(), `UPDATE users SET password = ? WHERE id = ?`, hashPassword(r.PostFormValue("new")), user.ID.User); err != nil {
		http.Error(w, "Please try again.", http.StatusServiceUnavailable)
		return
	}
	// second factor: a person who knew the old password keeps no access
	if err := p.pages.PasswordChanged(w, r, user); err != nil {
		p.pages.Fail(w, r, err)
		return
	}
	// end
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// A backup is what the product is about.
type backup struct{ ID, Name string }

func (p *product) home(w http.ResponseWriter, r *http.Request) {
	user := web.SessionOf(r).User
	rows, err := p.db.QueryContext(r.Context(), `SELECT id, name FROM backups WHERE user = ? ORDER BY name`, user.ID.User)
	if err != nil {
		http.Error(w, "Please try again.", http.StatusServiceUnavailable)
		return
	}
	defer func() { _ = rows.Close() }()
	var all []backup
	for rows.Next() {
		var b backup
		if err = rows.Scan(&b.ID, &b.Name); err != nil {
			break
		}
		all = append(all, b)
	}
	if err = errors.Join(err, rows.Err()); err != nil {
		http.Error(w, "Please try again.", http.StatusServiceUnavailable)
		return
	}
	show(w, http.StatusOK, "home", map[string]any{"Email": user.Name, "Backups": all, "Security": p.pages.Path("security"), "SignOut": p.pages.Path("signout")})
}

// findBackup returns the backup that the request is about, if it is the person's own.
func (p *product) findBackup(r *http.Request) (b backup, err error) {
	err = p.db.QueryRowContext(r.Context(), `SELECT id, name FROM backups WHERE id = ? AND user = ?`, r.PathValue("id"), web.SessionOf(r).User.ID.User).
		Scan(&b.ID, &b.Name)
	if errors.Is(err, sql.ErrNoRows) {
		err = web.ErrNotFound
	}
	return b, err
}

// second factor: a code for one backup is not accepted for another one
func (p *product) target(r *http.Request) (web.Target, error) {
	b, err := p.findBackup(r)
	return web.Target{ID: b.ID, Name: b.Name}, err
}

// end

func (p *product) deleteBackup(w http.ResponseWriter, r *http.Request) {
	_, err := p.db.ExecContext(r.Context(), `DELETE FROM backups WHERE id = ? AND user = ?`, r.PathValue("id"), web.SessionOf(r).User.ID.User)
	if err != nil {
		http.Error(w, "Please try again.", http.StatusServiceUnavailable)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// addDemo adds an account with two backups to an empty database.
func (p *product) addDemo() error {
	_, err := p.db.ExecContext(context.Background(), `INSERT OR IGNORE INTO users (id, email, password) VALUES ('1', 'ana@acme.example', ?)`, hashPassword("correct-horse"))
	if err == nil {
		_, err = p.db.ExecContext(context.Background(), `INSERT OR IGNORE INTO backups VALUES ('b1', '1', 'ana-laptop, 1 March'), ('b2', '1', 'ana-laptop, 2 March')`)
	}
	return err
}

var pages = template.Must(template.New("").Parse(`
{{define "signin"}}<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Sign in – Acme Backup</title><main><h1>Sign in</h1>{{with .}}<p role="alert">{{.}}</p>{{end}}
<form method="post"><p><label>E-mail address <input name="email" type="email" required autocomplete="username"></label></p>
<p><label>Password <input name="password" type="password" required autocomplete="current-password"></label></p><button>Sign in</button></form></main>{{end}}
{{define "home"}}<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Backups – Acme Backup</title><main><h1>Backups of {{.Email}}</h1>
<ul>{{range .Backups}}<li>{{.Name}} <form method="post" action="/backups/{{.ID}}/delete"><button>Delete</button></form></li>{{end}}</ul>
<p><a href="{{.Security}}">Security</a> <a href="/password">Password</a></p><form method="post" action="{{.SignOut}}"><button>Sign out</button></form></main>{{end}}
{{define "password"}}<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Password – Acme Backup</title><main><h1>Change the password</h1>{{with .}}<p role="alert">{{.}}</p>{{end}}
<form method="post"><p><label>Old password <input name="old" type="password" required autocomplete="current-password"></label></p>
<p><label>New password <input name="new" type="password" required autocomplete="new-password"></label></p><button>Change the password</button></form></main>{{end}}`))

func show(w http.ResponseWriter, status int, page string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pages.ExecuteTemplate(w, page, data)
}
