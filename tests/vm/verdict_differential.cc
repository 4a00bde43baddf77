// SPDX-License-Identifier: Apache-2.0
// verdict_differential FOLDER [SEED [PLANS]]: holds the kernel's verdicts against those of the
// user-space matcher, on random plans, files and addresses. Needs what verdict_check needs. Prints
// each difference, and how many pairs were compared; the same seed gives the same run.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "engine/rule/deny_matcher.h"
#include "tests/vm/verdicts.h"

namespace {

using nsw::rule::DenyEntry;
using nsw::rule::DenyKey;
using nsw::rule::DenyKind;
using nsw::rule::DenyPlan;
using nsw::test::Answer;
using nsw::test::Verdicts;

constexpr const char* kNames[] = {
    "a", "b", "c", "key", "x.key", ".key", "a_name_that_is_not_short_at_all_in_a_dentry"};

class Differential {
 public:
  Differential(std::string folder, uint64_t seed) : folder_(std::move(folder)), random_(seed) {
    MakeFiles(folder_, 0);
  }

  void Run(int plans) {
    for (int i = 0; i < plans; ++i) {
      plan_ = std::make_shared<DenyPlan>(MakePlan());
      verdicts_.Use(*plan_, false);
      const nsw::rule::DenyMatcher matcher(plan_);
      for (const std::string& file : files_) CompareFile(matcher, file);
      for (int n = 0; n < 50; ++n) CompareAddress(matcher);
    }
    printf("%s %llu pairs of %d plans are equal, %llu are not\n", wrong_ == 0 ? "ok" : "not ok",
           static_cast<unsigned long long>(pairs_ - wrong_), plans,
           static_cast<unsigned long long>(wrong_));
  }

  [[nodiscard]] bool good() const { return wrong_ == 0; }

 private:
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool Chance(uint32_t in) { return Below(in) == 0; }

  void MakeFiles(const std::string& folder, int depth) {
    std::filesystem::create_directories(folder);
    for (const char* name : kNames) {
      const std::string path = folder + "/" + name;
      files_.push_back(path);
      if (depth < 2 && name[1] == '\0')
        MakeFiles(path, depth + 1);
      else
        std::ofstream(path) << "x";
    }
  }

  // One that is there, or part of it, or one that is not.
  std::string Path() {
    std::string path = files_[Below(static_cast<uint32_t>(files_.size()))];
    if (Chance(3)) path = std::filesystem::path(path).parent_path();
    if (Chance(10)) path += "/none";
    return path;
  }

  DenyKey PathKey() {
    DenyKey key;
    key.path = Path();
    switch (Below(8)) {
      case 0:
        key.kind = DenyKind::kName;
        key.path = kNames[Below(std::size(kNames))];
        break;
      case 1:
        key.kind = DenyKind::kSuffix;
        key.path = Chance(2) ? ".key" : "y";
        break;
      case 2:
      case 3:
        key.kind = Chance(2) ? DenyKind::kHolePath : DenyKind::kHoleBelow;
        OpenComponent(key);
        break;
      case 4:
      case 5:
        key.kind = DenyKind::kPath;
        break;
      default:
        key.kind = DenyKind::kBelow;
        if (Chance(20)) key.path = "/";
    }
    return key;
  }

  // Two positions only, so that the shapes of a plan are no more than the kernel looks for.
  void OpenComponent(DenyKey& key) {
    const auto depth = static_cast<uint32_t>(std::ranges::count(folder_, '/'));
    if (key.path == folder_) key.path += "/a";
    const size_t first = key.path.find('/', folder_.size() + 1);
    if (first != std::string::npos)
      key.path.resize(std::min(key.path.size(), key.path.find('/', first + 1)));
    key.hole = static_cast<uint8_t>(depth);
    const size_t begin = folder_.size() + 1;
    const size_t end = std::min(key.path.find('/', begin), key.path.size());
    key.path.replace(begin, end - begin, "*");
  }

  DenyKey NetKey() {
    static constexpr uint8_t kPrefixes[] = {0, 104, 112, 120, 127, 128};
    DenyKey key;
    key.kind = DenyKind::kNet;
    key.net.address = Address();
    key.net.prefix = kPrefixes[Below(std::size(kPrefixes))];
    if (Chance(2)) {
      key.net.port_low = static_cast<uint16_t>(Below(4));
      key.net.port_high = static_cast<uint16_t>(key.net.port_low + Below(3));
    }
    if (Chance(3)) key.net.protocol = Chance(2) ? 6 : 17;
    return key;
  }

  std::array<uint8_t, 16> Address() {
    std::array<uint8_t, 16> a{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0};
    a[13] = static_cast<uint8_t>(Below(2));
    a[14] = static_cast<uint8_t>(Below(2));
    a[15] = static_cast<uint8_t>(Below(4));
    return a;
  }

  uint8_t When() {
    static constexpr uint8_t kWhen[] = {0, 0, 0, 1, 2, 4, 3, 6};
    return kWhen[Below(std::size(kWhen))];
  }

  DenyEntry Entry(uint32_t rule) {
    DenyEntry entry;
    const bool net = Chance(4);
    entry.rule = rule;
    entry.classes = net ? 1U << (NSW_CLASS_CONNECT + Below(2)) : 1U << Below(5);
    if (!net && Chance(3)) entry.classes |= 1U << Below(5);
    entry.policy = static_cast<uint16_t>(Below(3));
    entry.mode = entry.policy == 2 ? NSW_VERDICT_AUDIT : NSW_VERDICT_DENIED;
    entry.allow = Chance(4);
    entry.condition.when = When();
    for (uint32_t i = 0; i <= Below(3); ++i) entry.keys.push_back(net ? NetKey() : PathKey());
    for (uint32_t i = Below(3); i > 0; --i) {
      nsw::rule::DenyException hole;
      hole.condition.when = When();
      if (!Chance(4) || hole.condition.when == 0) hole.keys.push_back(net ? NetKey() : PathKey());
      entry.exceptions.push_back(hole);
    }
    return entry;
  }

  DenyPlan MakePlan() {
    DenyPlan plan;
    plan.policies.resize(3);
    plan.policies[1].until.push_back({.path = "/nowhere"});
    const uint32_t entries = 1 + Below(25);
    for (uint32_t i = 1; i <= entries; ++i) plan.entries.push_back(Entry(i));
    std::ranges::stable_sort(plan.entries, [](const DenyEntry& a, const DenyEntry& b) {
      return a.mode > b.mode;  // the plan's order
    });
    for (const DenyEntry& entry : plan.entries) {
      if (!entry.allow || Chance(2)) continue;
      plan.allow.push_back({1000 + entry.rule, entry.classes, entry.mode, entry.policy});
    }
    return plan;
  }

  void Compare(const nsw::rule::DenyVerdict& wanted, const Answer& got, const std::string& what) {
    ++pairs_;
    if (wanted.rule == got.rule && (wanted.rule == 0 || wanted.mode == got.mode) && !got.unresolved)
      return;
    ++wrong_;
    if (wrong_ > 20) return;
    printf("# %s: matcher rule %u mode %u, kernel rule %u mode %u%s\n", what.c_str(), wanted.rule,
           wanted.mode, got.rule, got.mode, got.unresolved ? " unresolved" : "");
    for (const DenyEntry& e : plan_->entries) {
      printf("#   rule %u%s classes %x policy %u when %u:", e.rule, e.allow ? " allow" : "",
             e.classes, e.policy, e.condition.when);
      for (const DenyKey& k : e.keys)
        printf(" %u:%s", static_cast<unsigned>(k.kind), k.path.c_str());
      for (const auto& hole : e.exceptions) {
        printf(" except when %u", hole.condition.when);
        for (const DenyKey& k : hole.keys)
          printf(" %u:%s", static_cast<unsigned>(k.kind), k.path.c_str());
      }
      printf("\n");
    }
  }

  void CompareFile(const nsw::rule::DenyMatcher& matcher, const std::string& file) {
    nsw::rule::DenyAct act;
    act.classes = 1U << Below(5);
    if (Chance(3)) act.classes |= 1U << Below(5);
    act.path = file;
    nsw::rule::DenyActor actor;
    actor.joined = Chance(3);
    const Answer got = verdicts_.File(file, act.classes, actor.joined ? NSW_F_JOINED : 0);
    Compare(matcher.Match(act, actor, 0), got, file + " classes " + std::to_string(act.classes));
  }

  void CompareAddress(const nsw::rule::DenyMatcher& matcher) {
    nsw::rule::DenyAct act;
    const std::array<uint8_t, 16> address = Address();
    nsw_addr raw;
    std::copy(address.begin(), address.end(), raw.b);
    act.classes = 1U << (NSW_CLASS_CONNECT + Below(2));
    act.address = &raw;
    act.port = static_cast<uint16_t>(Below(7));
    act.protocol = Chance(2) ? 6 : 17;
    const Answer got = verdicts_.Address(address, act.port, act.protocol, act.classes);
    Compare(matcher.Match(act, {}, 0), got, "an address, port " + std::to_string(act.port));
  }

  std::string folder_;
  std::mt19937_64 random_;
  Verdicts verdicts_;
  std::vector<std::string> files_;
  std::shared_ptr<DenyPlan> plan_;
  uint64_t pairs_ = 0;
  uint64_t wrong_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) nsw::test::Die("usage: verdict_differential FOLDER [SEED [PLANS]]");
  std::filesystem::create_directories(argv[1]);
  Differential differential(std::filesystem::canonical(argv[1]),
                            argc > 2 ? std::stoull(argv[2]) : 1);
  differential.Run(argc > 3 ? std::stoi(argv[3]) : 500);
  return differential.good() ? 0 : 1;
}
