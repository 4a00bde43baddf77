// SPDX-License-Identifier: Apache-2.0
// Cases of a policy with a mistake, for the tests of what is said about it.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "tests/rule/acts.h"

namespace nsw::rule::test {

struct Case {
  const char* name;
  std::string text;
  std::vector<std::string> mistakes;
};
inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Mistaken : public testing::TestWithParam<Case> {
 protected:
  static void Check() {
    const Loaded loaded = LoadPolicyText(GetParam().text, "f");
    EXPECT_EQ(loaded.set, nullptr);
    EXPECT_EQ(Mistakes(GetParam().text), GetParam().mistakes);
  }
};

// What a rule needs.
inline const std::string kGood = "rule: r, condition: fd.num = 1, output: x, priority: NOTICE";

inline std::string Policy(const std::string& rest) { return "nswarden: 1\npolicy: p\n" + rest; }

}  // namespace nsw::rule::test
