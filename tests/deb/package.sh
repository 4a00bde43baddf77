#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The package by itself: it builds, lintian has nothing to say, and what people look for lies where they look. Leaves it, a
# successor for the upgrade, and the tree to install it in, in the folder that NSWARDEN_DEB_SHARE names.
source "$(dirname "$(realpath "$0")")/../e2e/lib.sh"
plan 9

check "it builds" eval '"$REPO/packaging/deb/build" "$NSWARDEN_DEB_SHARE" >"$WORK/package" 2>"$WORK/log" || { tail -n 30 "$WORK/log"; false; }'
package=$(tail -n 1 "$WORK/package")
[[ -f $package ]] || die "there is no package"
check "lintian has nothing to say" lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs "$package"

dpkg-deb -x "$package" "$WORK/root"
contains() { local file; for file in "$@"; do [[ -e $WORK/root/$file ]] || { echo "$file is not there"; return 1; }; done; }
check "it has what it should" contains usr/bin/nswarden lib/systemd/system/nswarden.service etc/nswarden/nswarden.yaml \
  etc/nswarden/policies.d usr/share/nswarden/policies usr/share/man/man8/nswarden.8.gz \
  usr/share/man/man5/nswarden.yaml.5.gz usr/share/bash-completion/completions/nswarden \
  usr/share/zsh/vendor-completions/_nswarden usr/share/doc/nswarden/copyright
check_equal "every shipped policy is in it" "$(cd "$REPO/policies" && git ls-files '*.yaml' | grep -v / | sort)" \
  "$(cd "$WORK/root/usr/share/nswarden/policies" && ls | sort)"
check "the shipped policies are right" eval \
  'set -- "$WORK"/root/usr/share/nswarden/policies/*.yaml; [[ ! -e $1 ]] || "$WORK/root/usr/bin/nswarden" check "$@"'
check "the shipped configuration is right" "$WORK/root/usr/bin/nswarden" check --config "$WORK/root/etc/nswarden/nswarden.yaml"
check_equal "dpkg asks before it changes the configuration" /etc/nswarden/nswarden.yaml "$(dpkg-deb -I "$package" conffiles)"
check "completion offers the verbs and their options" eval 'PATH=$WORK/root/usr/bin:$PATH
  source "$WORK/root/usr/share/bash-completion/completions/nswarden"
  COMP_WORDS=(nswarden r) COMP_CWORD=1; _nswarden; [[ " ${COMPREPLY[*]} " == *" run "*" reload "* ]] || exit 1
  COMP_WORDS=(nswarden run --) COMP_CWORD=2; _nswarden; [[ " ${COMPREPLY[*]} " == *" --policies "* ]] || exit 1
  COMP_WORDS=(nswarden run --output "") COMP_CWORD=3; _nswarden; [[ " ${COMPREPLY[*]} " == *" json "* ]]'

# The same again under the next version number: building it twice would show nothing more.
successor() {
  dpkg-deb -R "$package" "$WORK/next"
  sed -i 's/^Version: .*/&+1/' "$WORK/next/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$WORK/next" "$NSWARDEN_DEB_SHARE/next.deb"
  mv "$package" "$NSWARDEN_DEB_SHARE/this.deb"
  "$REPO/tests/deb/tree" "$NSWARDEN_DEB_SHARE/this.deb" >"$WORK/tree"
  mv "$WORK/tree" "$NSWARDEN_DEB_SHARE/tree"
}
check "there is a Debian 12 to install it in" successor
finish
