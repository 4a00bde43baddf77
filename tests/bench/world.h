// SPDX-License-Identifier: Apache-2.0
// What surrounds the hot path while a corpus is replayed: the containers that the corpus speaks of,
// with the metadata that Docker would give them, and the shipped policies bound to them.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "engine/container/registry.h"
#include "engine/event/process.h"
#include "engine/policy_binder.h"
#include "tests/bench/corpus.h"
#include "tests/support/fake_engine.h"
#include "tests/support/fakes.h"

namespace nsw::bench {

class World {
 public:
  /// Error: the policies do not load.
  static Result<std::unique_ptr<World>> Make(const Corpus& corpus,
                                             const std::filesystem::path& policies);

  /// Decode and bind, as the pipeline does. False: nothing to judge (a `home` record).
  bool Bind(Record record, event::Event& event);

  [[nodiscard]] const rule::PolicySet& policies() const { return *binder_.policies(); }
  [[nodiscard]] size_t containers() const { return registry_.size(); }
  container::Registry& registry() { return registry_; }
  PolicyBinder& binder() { return binder_; }
  test::FakeKernel& kernel() { return kernel_; }
  const event::ProcessReader& reader() const { return reader_; }

 private:
  void Announce(const Corpus& corpus);

  test::FakeKernel kernel_;
  test::FakeProcessFacts facts_;
  test::FakeProcessReader reader_;
  container::Registry registry_{facts_};
  PolicyBinder binder_{kernel_, registry_};
  event::ProcessTable processes_{reader_};
};

}  // namespace nsw::bench
