// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/world.h"

#include <cstdio>
#include <set>

namespace nsw::bench {

Result<std::unique_ptr<World>> World::Make(const Corpus& corpus,
                                           const std::filesystem::path& policies) {
  rule::Loaded loaded = rule::LoadPolicies({policies}, {.check_owner = false});
  if (loaded.set == nullptr) return Fail(loaded.diagnostics.front().Text());
  auto world = std::make_unique<World>();
  if (Status used = world->binder_.Use(loaded.set); !used) return tl::unexpected(used.error());
  world->Announce(corpus);
  return world;
}

// Docker's word about each home of the corpus: twenty images, a container each.
void World::Announce(const Corpus& corpus) {
  event::Event event;
  std::set<uint64_t> seen;
  corpus.ForEach([&](Record record) {
    if (event::Decode(record, event) != event::DecodeError::kNone) return;
    const nsw_header& header = event.header();
    if (header.home == 0 || !seen.insert(header.home).second) return;
    char id[65];
    snprintf(id, sizeof id, "%064zx", seen.size());
    const auto pid = static_cast<pid_t>(header.pid);
    facts_.cgroups[pid] = std::string("0::/system.slice/docker-") + id + ".scope\n";
    container::Change change;
    change.container = {.id = id,
                        .name = "service-" + std::to_string(seen.size()),
                        .runtime = "docker",
                        .image = container::ParseImage("registry.corp:5000/team/service-" +
                                                       std::to_string(seen.size() % 20) + ":1.2")};
    registry_.Apply(change, 0);
    container::Binding& binding = registry_.SeenHome(header.home, 0, pid, true, 0);
    (void)binder_.Bind(binding);
  });
}

bool World::Bind(Record record, event::Event& event) {
  if (event::Decode(record, event) != event::DecodeError::kNone) return false;
  if (event.type() == event::Type::k_home) return false;
  event.binding = event.header().home == 0 ? nullptr : registry_.Find(event.header().home);
  processes_.Bind(event);
  return true;
}

}  // namespace nsw::bench
