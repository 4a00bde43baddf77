// SPDX-License-Identifier: Apache-2.0
// Random conditions against a second, naive evaluator that keeps the syntax and looks at nothing
// but it: precedence, flattening, reordering and folding of the compiler must not change what a
// condition says.
#include <functional>
#include <random>
#include <set>
#include <sstream>

#include "engine/event/field_table.h"
#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

// 0 false, 1 unknown, 2 true.
using Naive = std::function<int(const event::Event&)>;

struct Generated {
  std::string text;
  Naive naive;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Generated Expression(int depth) {
    const int what = depth == 0 ? 0 : Pick(6);
    if (what <= 1) return Leaf();
    if (what == 2) return Negated(depth);
    return Chain(depth, what % 2 == 0);
  }

 private:
  int Pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string Blank() {
    return std::vector<std::string>{" ", "  ", "\n  "}[static_cast<size_t>(Pick(3))];
  }

  Generated Leaf() {
    switch (Pick(8)) {
      case 0:
        return Type();
      case 6:
        return OpenWrite();
      case 1:
        return Name();
      case 2:  // on a container that is not settled
        return {"container.name = web",
                [](const event::Event& e) { return !e.binding->settled ? 1 : 2; }};
      case 3:
        return {"container.name != web",
                [](const event::Event& e) { return !e.binding->settled ? 1 : 0; }};
      case 4: {
        const int port = Pick(3) * 100;
        return {"fd.sport > " + std::to_string(port), [port](const event::Event& e) {
                  return e.type() == event::Type::k_connect &&
                                 e.as<nsw_event_connect>().remote_port > static_cast<unsigned>(port)
                             ? 2
                             : 0;
                }};
      }
      case 5:
        return {"fd.directory exists",
                [](const event::Event& e) { return e.type() == event::Type::k_open ? 2 : 0; }};
      default: {
        const bool exit = Pick(2) == 0;
        return {exit ? "evt.dir = <" : "evt.dir = >",
                [exit](const event::Event&) { return exit ? 2 : 0; }};
      }
    }
  }

  Generated Type() {
    static const std::vector<std::string> kTypes{"openat", "connect", "execve", "procexit", "open"};
    const std::string a = kTypes[static_cast<size_t>(Pick(5))];
    const std::string b = kTypes[static_cast<size_t>(Pick(5))];
    switch (Pick(3)) {
      case 0:
        return {"evt.type = " + a,
                [a](const event::Event& e) { return e.type_name() == a ? 2 : 0; }};
      case 1:
        return {"evt.type != " + a,
                [a](const event::Event& e) { return e.type_name() != a ? 2 : 0; }};
      default:
        return {"evt.type in (" + a + "," + b + ")", [a, b](const event::Event& e) {
                  return e.type_name() == a || e.type_name() == b ? 2 : 0;
                }};
    }
  }

  Generated OpenWrite() {
    const bool equal = Pick(2) == 0;
    const bool value = Pick(2) == 0;
    return {std::string("evt.is_open_write ") + (equal ? "= " : "!= ") + (value ? "true" : "false"),
            [wanted = equal == value](const event::Event& e) {
              if (e.type() != event::Type::k_open) return 0;
              const unsigned mode = e.as<nsw_event_open>().flags & O_ACCMODE;
              return (mode == O_WRONLY || mode == O_RDWR) == wanted ? 2 : 0;
            }};
  }

  static std::string_view FileName(const event::Event& e) {
    if (e.type() != event::Type::k_open) return {};
    const std::string_view path = e.text(event::TextOf(event::Type::k_open, "path"));
    return path.substr(path.rfind('/') + 1);
  }

  Generated Name() {
    static const std::vector<std::string> kNames{"cat", "ca", "at", "dog"};
    const std::string n = kNames[static_cast<size_t>(Pick(4))];
    switch (Pick(8)) {
      case 4:
        return {"proc.name endswith " + n,
                [n](const event::Event& e) { return e.process->name.ends_with(n) ? 2 : 0; }};
      case 5:
        return {"proc.name in (" + n + ", cow)",
                [n](const event::Event& e) { return e.process->name == n ? 2 : 0; }};
      case 6:  // of an open alone, absent elsewhere
        return {"fd.filename startswith pass",
                [](const event::Event& e) { return FileName(e).starts_with("pass") ? 2 : 0; }};
      case 7:
        return {"fd.filename in (x, y)",
                [](const event::Event& e) { return FileName(e) == "x" ? 2 : 0; }};
      case 0:
        return {"proc.name = '" + n + "'",
                [n](const event::Event& e) { return e.process->name == n ? 2 : 0; }};
      case 1:
        return {"proc.name contains " + n, [n](const event::Event& e) {
                  return e.process->name.find(n) != std::string::npos ? 2 : 0;
                }};
      case 2:
        return {"proc.name startswith " + n,
                [n](const event::Event& e) { return e.process->name.starts_with(n) ? 2 : 0; }};
      default:
        return {"proc.name glob *" + n,
                [n](const event::Event& e) { return e.process->name.ends_with(n) ? 2 : 0; }};
    }
  }

  Generated Negated(int depth) {
    Generated inner = Expression(depth - 1);
    return {"not (" + inner.text + ")",
            [n = inner.naive](const event::Event& e) { return 2 - n(e); }};
  }

  // Children of an "and" that are an "or" need parentheses; others get them now and then.
  Generated Chain(int depth, bool is_and) {
    std::string text;
    std::vector<Naive> parts;
    const int count = 2 + Pick(3);
    for (int i = 0; i < count; i++) {
      Generated part = Expression(depth - 1);
      if (i > 0) text += Blank() + (is_and ? "and" : "or") + Blank();
      text += "(" + part.text + ")";
      parts.push_back(std::move(part.naive));
    }
    return {text, [parts, is_and](const event::Event& e) {
              int value = is_and ? 2 : 0;
              for (const Naive& part : parts)
                value = is_and ? std::min(value, part(e)) : std::max(value, part(e));
              return value;
            }};
  }

  std::mt19937 random_;
};

bool HasNameOf(const std::set<std::string>& names, std::string_view path) {
  std::istringstream components{std::string(path)};
  for (std::string name; std::getline(components, name, '/');) {
    if (names.contains(name)) return true;
  }
  return false;
}

// Whether the kernel is told enough to send such an event.
bool IsWanted(const PolicySet& set, const event::Event& event) {
  if ((set.wanted() >> event.header().type & 1) == 0) return false;
  if (event.type() == event::Type::k_connect && (set.wanted() & NSW_WANT_ANY_PORT) == 0)
    return set.ports().Contains(event.as<nsw_event_connect>().remote_port);
  const bool only_reads = event.type() == event::Type::k_open &&
                          (event.as<nsw_event_open>().flags & O_ACCMODE) == O_RDONLY;
  if (!only_reads || (set.wanted() & NSW_WANT_READS) != 0) return true;
  return (set.wanted() & NSW_WANT_NAMED_READS) != 0 && HasNameOf(set.read_names(), event.text(0));
}

TEST(Oracle, AgreesOnRandomConditions) {
  std::vector<std::unique_ptr<Act>> acts;
  acts.push_back(Act::Open("/etc/passwd"));
  acts.push_back(Act::Open("/etc/passwd", O_WRONLY));
  acts.push_back(Act::Open("/x", O_RDWR));
  acts.push_back(Act::Connect("10.0.0.1", 150));
  acts.push_back(Act::Exec("/bin/x"));
  acts.push_back(Act::Exit());
  acts.push_back(Act::Open("/x"));
  acts.back()->binding.settled = false;
  acts.push_back(Act::Connect("10.0.0.1", 50));
  acts.back()->binding.settled = false;
  acts.back()->process.name = "dog";
  static const char* kAnswers[] = {"false", "unknown", "true"};
  for (unsigned seed = 0; seed < 1500; seed++) {
    const Generated generated = Generator(seed).Expression(4);
    const auto set = Load(OneRule(generated.text));
    ASSERT_NE(set, nullptr) << generated.text;
    for (const auto& act : acts) {
      ASSERT_EQ(Ask(*set, act->event), kAnswers[generated.naive(act->event)])
          << "seed " << seed << ": " << generated.text;
      // What can match is wanted.
      if (generated.naive(act->event) != 0) {
        ASSERT_TRUE(IsWanted(*set, act->event)) << "seed " << seed << ": " << generated.text;
      }
    }
  }
}

// and binds closer than or, not closer than both, without parentheses.
TEST(Oracle, AgreesOnPrecedence) {
  const auto act = Act::Open("/x");
  for (unsigned bits = 0; bits < 1U << 9; bits++) {
    std::string text;
    bool any = false;
    for (unsigned term = 0; term < 3; term++) {
      bool all = true;
      for (unsigned factor = 0; factor < 3; factor++) {
        const unsigned i = term * 3 + factor;
        const bool value = (bits >> i & 1) != 0;
        const bool negated = (i * 7 + bits) % 3 == 0;
        if (i > 0) text += factor == 0 ? " or " : " and ";
        text +=
            std::string(negated ? "not " : "") + (value != negated ? "fd.num = 3" : "fd.num = 4");
        all = all && value;
      }
      any = any || all;
    }
    ASSERT_EQ(Ask(text, act->event), any ? "true" : "false") << text;
  }
}

}  // namespace
}  // namespace nsw::rule::test
