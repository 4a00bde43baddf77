// SPDX-License-Identifier: Apache-2.0
#include "tools/demo_stop.h"

#include <csignal>
#include <initializer_list>

namespace nsw::tools {
namespace {

volatile std::sig_atomic_t told = 0;

}  // namespace

void CatchStop() {
  struct sigaction action {};
  action.sa_handler = [](int) { told = 1; };
  for (const int number : {SIGINT, SIGTERM}) sigaction(number, &action, nullptr);
}

bool ToldToStop() { return told != 0; }

}  // namespace nsw::tools
