// SPDX-License-Identifier: Apache-2.0
// What came of the acts, against what the table says.
#pragma once

#include "tests/acts/act.h"

namespace acts {

/// A policy for images acts*, on stdout.
int PrintPolicy();

/// `alerts`: the engine's JSON lines; `run`: what `run` printed. A line for each act that was
/// performed; 1 if any is not right.
int Check(const char* alerts, const char* run);

}  // namespace acts
