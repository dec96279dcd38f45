package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"weir/runtime/registry"
)

// loginCommand keeps the credentials for a registry, on hosts without docker.
func loginCommand() *cobra.Command {
	var f registryFlags
	var user string
	var fromStdin bool
	cmd := &cobra.Command{
		Use:   "login HOST",
		Short: "Log in to a registry, as docker login does",
		Long: `Log in to a registry. User and password, or token, are checked and kept where docker keeps them: in config.json in
the folder DOCKER_CONFIG, or ~/.docker, as they are, or by the program that credsStore or credHelpers in
that file names.`,
		Example: `  weir login registry.example
  pass show registry | weir login registry.example -u me --password-stdin`,
		Args: oneHost("login"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, release := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer release()
			host, err := registry.ParseHost(args[0])
			if err != nil {
				return &exitError{exitConfig, err}
			}
			input := bufio.NewReaderSize(cmd.InOrStdin(), longestLine)
			if user == "" && fromStdin {
				return &exitError{exitConfig, errors.New("--password-stdin needs --username")}
			}
			if user == "" {
				fmt.Fprint(cmd.ErrOrStderr(), "user: ")
				if user, err = readLine(input); err != nil {
					return &exitError{exitConfig, fmt.Errorf("reading the user: %w\n  hint: give it with --username", err)}
				}
			}
			password, err := readPassword(cmd, input, fromStdin)
			if err != nil {
				return err
			}
			if user == "" || password == "" {
				return &exitError{exitConfig, errors.New("the user or the password is empty")}
			}
			client, err := f.client(cmd.ErrOrStderr(), "")
			if err != nil {
				return err
			}
			file, err := client.Login(ctx, host, user, password)
			if err != nil {
				return fetchFault(ctx, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "logged in to %s; this is kept in %s, or by the program that it names\n", host, file)
			return nil
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVarP(&user, "username", "u", "", "`user` (default asked for)")
	fs.BoolVar(&fromStdin, "password-stdin", false, "read the password, or token, from standard input")
	f.flags(fs)
	return cmd
}

// logoutCommand forgets them.
func logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "logout HOST",
		Short: "Forget the login to a registry",
		Args:  oneHost("logout"),
		RunE: func(cmd *cobra.Command, args []string) error {
			host, err := registry.ParseHost(args[0])
			if err != nil {
				return &exitError{exitConfig, err}
			}
			was, err := new(registry.Client).Logout(cmd.Context(), host)
			switch {
			case err != nil:
				return &exitError{exitFault, err}
			case was:
				fmt.Fprintf(cmd.OutOrStdout(), "logged out of %s\n", host)
			default:
				fmt.Fprintf(cmd.OutOrStdout(), "there was no login to %s\n", host)
			}
			return nil
		},
	}
}

func oneHost(command string) cobra.PositionalArgs {
	return arguments(1, 1, "one argument, the host of a registry", "weir "+command+" registry.example:5000")
}

// readPassword asks for it, unseen on a terminal.
func readPassword(cmd *cobra.Command, input *bufio.Reader, fromStdin bool) (string, error) {
	file, isFile := cmd.InOrStdin().(*os.File)
	if fromStdin || !isFile || !term.IsTerminal(int(file.Fd())) {
		if !fromStdin {
			fmt.Fprint(cmd.ErrOrStderr(), "password: ")
		}
		password, err := readLine(input)
		if err != nil {
			return "", &exitError{exitConfig, fmt.Errorf("reading the password: %w\n  hint: give it on standard input, with --password-stdin", err)}
		}
		return password, nil
	}
	fmt.Fprint(cmd.ErrOrStderr(), "password: ")
	password, err := term.ReadPassword(int(file.Fd()))
	fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil {
		return "", &exitError{exitConfig, fmt.Errorf("reading the password: %w", err)}
	}
	return string(password), nil
}

const longestLine = 64 << 10 // bytes

// readLine reads a line without its end.
func readLine(from *bufio.Reader) (string, error) {
	line, err := from.ReadSlice('\n')
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	return strings.TrimRight(string(line), "\r\n"), err
}
