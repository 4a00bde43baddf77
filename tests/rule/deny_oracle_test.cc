// SPDX-License-Identifier: Apache-2.0
// DenyMatcher against the oracle: on random policies and random acts both say the same, by the same
// rule.
#include "tests/support/deny_oracle.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "engine/rule/deny_entry.h"
#include "engine/rule/deny_matcher.h"
#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

using namespace nsw::test;  // the oracle
using Words = std::vector<std::string>;

constexpr const char* kNames[] = {"a", "b", "x.so", "y.conf", "so"};
constexpr const char* kFileLists[] = {"exec",   "read", "write", "create", "delete",
                                      "rename", "link", "chmod", "chown",  "xattr"};
constexpr const char* kNetLists[] = {"connect", "bind", "listen"};
constexpr const char* kCapabilities[] = {"sys_admin", "net_raw", "kill"};
constexpr const char* kOperations[] = {"mount", "umount", "ptrace", "bpf"};

Bits128 Number(const nsw_addr& address) {
  Bits128 number = 0;
  for (const unsigned char byte : address.b) number = number << 8 | byte;
  return number;
}

Bits128 Address(const char* text) { return Number(event::ParseAddress(text).value()); }

std::map<std::string, OracleNet> Nets() {
  const auto v4 = [](const char* a, int bits) { return OracleNet{Address(a), 96 + bits, true}; };
  const auto v6 = [](const char* a, int bits) { return OracleNet{Address(a), bits, false}; };
  const auto ports = [](OracleNet net, unsigned low, unsigned high, unsigned protocol) {
    net.low = low, net.high = high, net.protocol = protocol;
    return net;
  };
  const OracleNet any{0, 0, false, true};
  return {{"10.0.0.0/8", v4("10.0.0.0", 8)},
          {"10.1.2.3", v4("10.1.2.3", 32)},
          {"0.0.0.0/0", v4("0.0.0.0", 0)},
          {"::/0", v6("::", 0)},
          {"2001:db8::/32", v6("2001:db8::", 32)},
          {":443", ports(any, 443, 443, 0)},
          {":53/udp", ports(any, 53, 53, 17)},
          {"10.1.0.0/16:1-1023/tcp", ports(v4("10.1.0.0", 16), 1, 1023, 6)},
          {"[2001:db8::1]:80-90", ports(v6("2001:db8::1", 128), 80, 90, 0)},
          {"[::/1]:443/tcp", ports(v6("::", 1), 443, 443, 6)}};
}

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  size_t Below(size_t n) { return engine_() % n; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename List>
  std::string Of(const List& list) {
    return *(std::begin(list) + Below(std::size(list)));
  }

  std::string Path(size_t most = 4) {
    std::string path;
    for (size_t depth = Below(most + 1); depth > 0; depth--) path += "/" + Of(kNames);
    return path.empty() ? "/" : path;
  }

  std::string PathEntry() {
    switch (Below(6)) {
      case 0:
        return "**/" + Of(kNames);
      case 1:
        return "**/*" + Of(Words{".so", ".conf", ".o"});
      case 2:
        return Hole();
      default:
        break;
    }
    const std::string path = Path(3);
    if (OneIn(2)) return path == "/" ? "/**" : path + "/**";
    return path == "/" || OneIn(2) ? path : path + "/";
  }

  std::string Hole() {
    Words words{Of(kNames), Of(kNames), Of(kNames)};
    words.resize(1 + Below(3));
    words[Below(words.size())] = "*";
    std::string path;
    for (const std::string& word : words) path += "/" + word;
    const bool last = words.back() == "*";
    return path + (OneIn(2) ? "/**" : last || OneIn(2) ? "/" : "");
  }

  std::string Entry(const std::string& list) {
    if (list == "capabilities") return Of(kCapabilities);
    if (list == "operations") return Of(kOperations);
    if (std::ranges::find(kNetLists, list) == std::end(kNetLists)) return PathEntry();
    if (OneIn(4)) return "unix:" + PathEntry();
    if (OneIn(6)) return "unix:@" + Of(kNames);
    static const auto nets = Nets();
    return std::next(nets.begin(), Below(nets.size()))->first;
  }

  OracleCondition Condition() {
    OracleCondition condition;
    if (OneIn(4)) condition.by = {PathEntry()};
    if (OneIn(8)) condition.by.push_back(PathEntry());
    if (OneIn(6)) condition.ancestor = {PathEntry()};
    // `startup` is a mistake where the policy has none.
    if (OneIn(5))
      condition.when = {
          Of(startup_ ? Words{"startup", "running", "joined"} : Words{"running", "joined"})};
    return condition;
  }

  OracleEntry ListEntry(const std::string& list, bool allow) {
    OracleEntry entry{allow, list, Entry(list), Condition(), {}, !allow && OneIn(5)};
    while (OneIn(3)) {
      OracleExcept except{{}, Condition()};
      while (OneIn(2)) except.objects.push_back(Entry(list));
      const OracleCondition& c = except.condition;
      if (except.objects.empty() && c.by.empty() && c.ancestor.empty() && c.when.empty()) continue;
      entry.except.push_back(except);
    }
    return entry;
  }

  std::string List() {
    switch (Below(4)) {
      case 0:
        return Of(kNetLists);
      case 1:
        return OneIn(2) ? "capabilities" : "operations";
      default:
        return OneIn(2) ? Of(Words{"exec", "read", "write"}) : Of(kFileLists);
    }
  }

  void AddList(OraclePolicy& policy, const std::string& list, bool allow) {
    if (allow) policy.allow_lists.push_back(list);
    std::set<std::string> there;  // of one text, so that nothing is there twice
    for (size_t n = Below(allow ? 6 : 4); n > 0; n--) {
      const OracleEntry entry = ListEntry(list, allow);
      OraclePolicy alone{.allow_lists = {}, .entries = {entry}};
      alone.entries[0].kill = false;  // what an entry does makes it no other
      if (there.insert(YamlOf(alone)).second) policy.entries.push_back(entry);
    }
  }

  OraclePolicy Policy(size_t number) {
    OraclePolicy policy;
    policy.name = "p" + std::to_string(number);
    policy.enforce = OneIn(2);
    policy.startup = startup_ = OneIn(2);
    std::set<std::pair<std::string, bool>> there;
    for (size_t n = 1 + Below(4); n > 0; n--) {
      const std::string list = List();
      const bool allow = OneIn(3);
      if (there.emplace(list, allow).second) AddList(policy, list, allow);
    }
    return policy;
  }

  OracleAct Act(size_t policies) {
    OracleAct act;
    switch (Below(4)) {
      case 0:
        AddEnd(act);
        break;
      case 1:
        act.asked = {OneIn(2) ? "capabilities" : "operations"};
        act.name = act.asked[0] == "operations" ? Of(kOperations) : Of(kCapabilities);
        break;
      default:
        act.asked = {OneIn(2) ? Of(Words{"exec", "read", "modify"}) : Of(kFileLists)};
        if (act.asked[0] == "write") act.asked = {"modify", "create"};
        if (OneIn(5)) act.asked = {"read", "modify"};
        act.path = Path();
    }
    act.exe = OneIn(8) ? "" : Path();
    while (OneIn(2)) act.ancestors.push_back(Path());
    act.joined = OneIn(4);
    for (size_t i = 0; i < policies; i++) act.running.push_back(OneIn(2));
    return act;
  }

 private:
  void AddEnd(OracleAct& act) {
    act.asked = {Of(kNetLists)};
    if (OneIn(4)) {
      act.path = Path();
    } else if (OneIn(4)) {
      act.abstract = Of(kNames);
    } else {
      act.address = Address(Of(Words{"10.1.2.3", "10.1.9.9", "10.200.0.1", "8.8.8.8", "2001:db8::1",
                                     "2001:db8:1::", "::1", "::fffe:0:0", "9000::1"})
                                .c_str());
      act.port = static_cast<unsigned>(std::stoi(Of(Words{"443", "53", "80", "90", "91", "5000"})));
      act.protocol = OneIn(2) ? 6 : 17;
    }
  }

  std::mt19937 engine_;
  bool startup_ = false;  // of the policy that is being made
};

uint32_t ClassesOf(const Words& asked) {
  uint32_t classes = 0;
  for (const std::string& name : asked) {
    if (name == "modify") classes |= ClassBit(DenyClass::k_modify);
    if (name == "touch") classes |= ClassBit(DenyClass::k_touch);
    if (const ListKey* list = FindListKey(name)) classes |= list->classes;
  }
  return classes;
}

/// What the engine says of an oracle's act.
class Asked {
 public:
  explicit Asked(const OracleAct& act) : act_(act) {
    out_.classes = ClassesOf(act.asked);
    out_.path = act.path;
    out_.abstract = act.abstract;
    if (act.address) {
      for (int i = 0; i < 16; i++)
        address_.b[i] = static_cast<unsigned char>(*act.address >> (8 * (15 - i)));
      out_.address = &address_;
    }
    out_.port = static_cast<uint16_t>(act.port);
    out_.protocol = static_cast<uint8_t>(act.protocol);
    if (!act.name.empty()) out_.number = Number();
    ancestors_.assign(act.ancestors.begin(), act.ancestors.end());
  }

  DenyVerdict Of(const DenyMatcher& matcher, uint64_t running) const {
    return matcher.Match(out_, {act_.exe, ancestors_, act_.joined}, running);
  }

 private:
  [[nodiscard]] uint32_t Number() const {
    EntryError error;
    return FindListKey(act_.asked[0])->parse(act_.name, error).at(0).number;
  }

  const OracleAct& act_;
  DenyAct out_;
  nsw_addr address_{};
  std::vector<std::string_view> ancestors_;
};

class Folder {
 public:
  Folder() { std::filesystem::create_directories(path_); }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::shared_ptr<const PolicySet> Load(const std::vector<OraclePolicy>& policies) {
    std::vector<std::filesystem::path> files;
    for (const OraclePolicy& policy : policies) {
      files.push_back(path_ / (policy.name + ".yaml"));
      std::ofstream(files.back()) << YamlOf(policy);
    }
    const Loaded loaded = LoadPolicies(files, {.check_owner = false});
    for (const Diagnostic& one : loaded.diagnostics) {
      if (!one.warning) ADD_FAILURE() << one.Text();
    }
    return loaded.set;
  }

 private:
  std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) / ("oracle" + std::to_string(getpid()));
};

std::string Show(const std::vector<OraclePolicy>& policies, const OracleAct& act) {
  std::string out;
  for (const OraclePolicy& policy : policies) out += YamlOf(policy);
  out += "act:";
  for (const auto& one : act.asked) out += " " + one;
  out += " path=" + act.path + " abstract=" + act.abstract + " name=" + act.name +
         " exe=" + act.exe + " joined=" + std::to_string(act.joined) + " above=";
  for (const auto& one : act.ancestors) out += one + ",";
  for (const bool one : act.running) out += one ? " running" : " starting";
  return out;
}

// The act as an event; null where the short ways to make one do not suffice.
std::unique_ptr<Act> EventOf(const OracleAct& act) {
  if (act.path.empty() || act.ancestors.size() > 1) return nullptr;
  std::unique_ptr<Act> made;
  if (act.asked == Words{"exec"}) made = Act::Exec(act.path);
  if (act.asked == Words{"read"}) made = Act::Open(act.path, O_RDONLY);
  if (act.asked == Words{"modify"}) made = Act::Open(act.path, O_WRONLY);
  if (act.asked == Words{"read", "modify"}) made = Act::Open(act.path, O_RDWR);
  if (act.asked == Words{"create"}) made = Act::File<nsw_event_mkdir>(NSW_EVENT_MKDIR, act.path);
  if (act.asked == Words{"connect"}) made = Act::Unix(act.path);
  if (made == nullptr) return nullptr;
  made->process.before = made->process.exepath = act.exe;
  if (act.ancestors.empty())
    made->event.parent = nullptr;
  else
    made->parent.exepath = act.ancestors[0];
  if (act.joined) made->header().flags |= NSW_F_JOINED;
  for (size_t i = 0; i < act.running.size(); i++)
    made->binding.running |= static_cast<uint64_t>(act.running[i]) << i;
  return made;
}

// Returns how many acts were refused.
size_t Compare(const std::vector<OraclePolicy>& policies, Dice& dice, Folder& folder) {
  const auto set = folder.Load(policies);
  if (set == nullptr) return 0;
  std::vector<uint32_t> all;
  for (uint32_t i = 0; i < policies.size(); i++) all.push_back(i);
  auto plan = std::make_shared<const DenyPlan>(set->Plan(all));
  const DenyMatcher matcher(plan);
  static const auto nets = Nets();
  size_t refused = 0;
  for (int i = 0; i < 60; i++) {
    const OracleAct act = dice.Act(policies.size());
    uint64_t running = 0;  // by the plan's policies, which are those that have lists
    size_t position = 0;
    for (size_t p = 0; p < policies.size(); p++) {
      if (!set->policies()[p].has_deny) continue;
      running |= static_cast<uint64_t>(act.running[p]) << position++;
    }
    const OracleVerdict expected = Judge(policies, nets, act);
    const DenyVerdict got = Asked(act).Of(matcher, running);
    const RuleInfo* rule = got.rule == 0 ? nullptr : set->FindRule(got.rule);
    EXPECT_EQ(rule == nullptr ? "" : rule->name, expected.rule) << Show(policies, act);
    if (const auto event = EventOf(act)) {
      const RuleInfo* of_event = set->MatchDeny(event->event, all);
      EXPECT_EQ(of_event == nullptr ? "" : of_event->name, expected.rule)
          << "as an event: " << Show(policies, act);
    }
    if (expected.rule.empty()) continue;
    refused++;
    EXPECT_EQ(got.mode == NSW_VERDICT_DENIED, expected.enforce) << Show(policies, act);
    EXPECT_EQ(got.action == DenyAction::kKill, expected.kill) << Show(policies, act);
  }
  return refused;
}

TEST(DenyOracle, AgreesOnRandomPoliciesAndActs) {
  constexpr size_t kRounds = 1000;
  Folder folder;
  size_t refused = 0;
  for (unsigned seed = 0; seed < kRounds && !testing::Test::HasFailure(); seed++) {
    Dice dice(seed);
    std::vector<OraclePolicy> policies;
    for (size_t n = 1 + dice.Below(3); n > 0; n--) policies.push_back(dice.Policy(policies.size()));
    refused += Compare(policies, dice, folder);
  }
  // Neither all nor nothing, or nothing would be shown.
  EXPECT_GT(refused, kRounds * 60 / 20);
  EXPECT_LT(refused, kRounds * 60 * 19 / 20);
}

// The oracle is held to some plain truths, so that both being wrong alike is not all there is.
TEST(DenyOracle, KnowsPlainTruths) {
  OraclePolicy policy{.name = "p", .enforce = true};
  policy.entries = {{false, "write", "/etc/**", {}, {{{"/etc/x"}, {}}}}};
  const auto judge = [&](const char* path, const char* asked) {
    OracleAct act;
    act.asked = {asked};
    act.path = path;
    act.running = {true};
    return Judge({policy}, {}, act).rule;
  };
  EXPECT_EQ(judge("/etc/a/b", "modify"), "p/write//etc/**");
  EXPECT_EQ(judge("/etc/a/b", "read"), "");
  EXPECT_EQ(judge("/etc/x", "modify"), "");
  EXPECT_EQ(judge("/etc", "modify"), "");
  policy.allow_lists = {"read"};
  EXPECT_EQ(judge("/etc", "read"), "p/allow/read");
}

}  // namespace
}  // namespace nsw::rule::test
