#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The package by itself: it builds, lintian has nothing to say, and what people look for lies where they look. Leaves it, a
# successor for the upgrade, and the tree to install it in, in the folder that NSWARDEN_DEB_SHARE names.
source "$(dirname "$(realpath "$0")")/../e2e/lib.sh"
plan 11

check "it builds" eval '"$REPO/packaging/deb/build" "$NSWARDEN_DEB_SHARE" >"$WORK/package" 2>"$WORK/log" || { tail -n 30 "$WORK/log"; false; }'
package=$(tail -n 1 "$WORK/package")
[[ -f $package ]] || die "there is no package"
check "lintian has nothing to say" lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$package"

dpkg-deb -x "$package" "$WORK/root"
config=$WORK/root/etc/nswarden/nswarden.yaml
PATH=$WORK/root/usr/bin:$PATH
contains() { local file; for file in "$@"; do [[ -e $WORK/root/$file ]] || { echo "$file is not there"; return 1; }; done; }
check "it has what it should" contains usr/bin/nswarden lib/systemd/system/nswarden.service etc/nswarden/nswarden.yaml \
  etc/nswarden/policies.d usr/share/nswarden/policies usr/share/man/man8/nswarden.8.gz \
  usr/share/man/man5/nswarden.yaml.5.gz usr/share/bash-completion/completions/nswarden \
  usr/share/zsh/vendor-completions/_nswarden usr/share/doc/nswarden/copyright
check_equal "every shipped policy is in it" "$(cd "$REPO/policies" && printf '%s\n' *.yaml)" \
  "$(cd "$WORK/root/usr/share/nswarden/policies" && printf '%s\n' *)"
check "the shipped policies are right" nswarden check "$WORK"/root/usr/share/nswarden/policies/*.yaml
check "the shipped configuration is right" nswarden check --config "$config"
check "a key that there is not is a mistake, told with its place" eval '
  printf "history:\n  retention: 1d\n  retentoin: 2d\n" >"$WORK/wrong.yaml"
  ! nswarden check --config "$WORK/wrong.yaml" 2>"$WORK/err" &&
    grep -F "$WORK/wrong.yaml:3:3: unknown key '\''history.retentoin'\''" "$WORK/err" || { cat "$WORK/err"; exit 1; }'
check_equal "dpkg asks before it changes the configuration" /etc/nswarden/nswarden.yaml "$(dpkg-deb -I "$package" conffiles)"

verbs=$(nswarden --help | awk '/^Subcommands:/ {on = 1; next} on && $1 {print $1}')
bash_offers() {
  source "$WORK/root/usr/share/bash-completion/completions/nswarden"
  local verb
  for verb in $verbs; do
    COMP_WORDS=(nswarden "$verb") COMP_CWORD=1
    _nswarden
    [[ ${COMPREPLY[*]} == *"$verb"* ]] || { echo "not $verb"; return 1; }
    COMP_WORDS=(nswarden "$verb" --he) COMP_CWORD=2
    _nswarden
    [[ ${COMPREPLY[*]} == --help ]] || { echo "no options of $verb"; return 1; }
  done
  COMP_WORDS=(nswarden run --output "") COMP_CWORD=3
  _nswarden
  [[ ${COMPREPLY[*]} == "text json none" ]]
}
check "bash completes every verb, and its options" bash_offers
# Zsh's own functions stand aside: what they are given to offer is printed.
zsh_offers() {
  COMPLETION=$WORK/root/usr/share/zsh/vendor-completions/_nswarden zsh -f -c '
    _describe() { print -l -- ${${(P)2}%%:*}; }
    compadd() { shift; print -l -- $@; }
    words=(nswarden $@) CURRENT=$(($# + 1)) PREFIX=$@[-1]
    source $COMPLETION' zsh "$@"
}
check "so does zsh" eval '
  offered=$(zsh_offers "" | sort) && [[ $offered == "$(sort <<<"$verbs")" ]] || { echo "offered: $offered"; exit 1; }
  for verb in $verbs; do
    offered=$(zsh_offers "$verb" --he)
    [[ $offered == *--help* ]] || { echo "of $verb: $offered"; exit 1; }
  done'

# The same again under the next version number, with a mark at the end of the program by which a running one is known:
# building it twice would show nothing more.
successor() {
  dpkg-deb -R "$package" "$WORK/next"
  sed -i 's/^Version: .*/&+1/' "$WORK/next/DEBIAN/control"
  printf successor >>"$WORK/next/usr/bin/nswarden"
  dpkg-deb --root-owner-group -b "$WORK/next" "$NSWARDEN_DEB_SHARE/next.deb"
  mv "$package" "$NSWARDEN_DEB_SHARE/this.deb"
  "$REPO/tests/deb/tree" "$NSWARDEN_DEB_SHARE/this.deb" >"$WORK/tree"
  mv "$WORK/tree" "$NSWARDEN_DEB_SHARE/tree"
}
check "there is a Debian 12 to install it in" successor
finish
