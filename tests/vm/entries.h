// SPDX-License-Identifier: Apache-2.0
// Entries of deny and allow lists as the guest's cases write them on a command line, without the
// policy compiler: the kernel half is tried by itself.
//
//   ENTRY: [audit:][kill:][pN:][allow:]CLASS[,CLASS...]=WHAT [OPTION...]
//   CLASS: a class of bpf/deny.def, or `write`
//   WHAT:  /path  /dir/**  /dir/  **/name  **/*.suffix  /a/*/b  /a/*/b/**
//   ADDRESS[/PREFIX][:LOW-HIGH]
//          [ADDRESS]:LOW-HIGH  :LOW-HIGH  unix:/path  unix:@name  cap:N  op:NAME  sock:FAMILY:TYPE
//          origin:NAME
//   OPTION (after a blank): by=PATH  ancestor=PATH  when=startup|running|joined
//          except=WHAT  except-by=PATH  except-when=PHASE
//   `until=PATH` is the end of policy 0's startup. pN: of policy N. Entry number N, from 1, has
//   rule id N; the list of what policy P allows of class C has 1000 + 100 P + C.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/rule/deny_plan.h"

namespace nsw::test {

/// Adds one entry to the plan. Error: what cannot be read.
Status AddEntry(const std::string& text, rule::DenyPlan& plan);

}  // namespace nsw::test
