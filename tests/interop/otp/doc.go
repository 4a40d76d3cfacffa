// Package otp checks package totp against programs that other people wrote: each must
// show the codes that we accept, accept the codes that we show, and read the key URIs
// that we write.
//
// The programs are Debian's: oathtool, libpam-google-authenticator, libpam-wrapper, pamtester, pass, pass-extension-otp,
// gnupg, keepassxc and faketime. A missing one fails its test, which names the package: a comparison that does not run
// proves nothing. No test needs the network, root, or files outside of its temporary folder.
package otp
