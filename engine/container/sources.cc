// SPDX-License-Identifier: Apache-2.0
// THE table of runtimes: what makes a source of each.
#include <filesystem>

#include "engine/container/source.h"

namespace nsw::container {
namespace {

using Make = std::unique_ptr<Source> (*)(SourceOptions options, const Runtimes& runtimes,
                                         const ChangeHandler& handler);

struct Runtime {
  const char* name;     // for `status`
  const char* runtime;  // container.type
  std::string Runtimes::*place;
  Make make;
};

constexpr Runtime kTable[] = {
    {"docker", "docker", &Runtimes::docker,
     [](SourceOptions options, const Runtimes&, const ChangeHandler& handler) {
       return MakeDockerSource(std::move(options), handler);
     }},
    {"containerd", "containerd", &Runtimes::containerd,
     [](SourceOptions options, const Runtimes&, const ChangeHandler& handler) {
       return MakeContainerdSource(std::move(options), handler);
     }},
    {"cri", "cri", &Runtimes::containerd,
     [](SourceOptions options, const Runtimes&, const ChangeHandler& handler) {
       return MakeCriSource(std::move(options), true, handler);
     }},
    {"cri-o", "cri-o", &Runtimes::crio,
     [](SourceOptions options, const Runtimes&, const ChangeHandler& handler) {
       return MakeCriSource(std::move(options), false, handler);
     }},
    {"podman", "podman", &Runtimes::podman,
     [](SourceOptions options, const Runtimes&, const ChangeHandler& handler) {
       return MakeDockerSource(std::move(options), handler);
     }},
    {"podman files", "podman", &Runtimes::podman_storage,
     [](SourceOptions options, const Runtimes& runtimes, const ChangeHandler& handler) {
       PodmanFiles files;
       files.root_storage = runtimes.podman_storage;
       files.root_run = runtimes.podman_run;
       return MakePodmanSource(std::move(options), std::move(files), handler);
     }},
};

}  // namespace

std::vector<std::unique_ptr<Source>> MakeSources(
    const Runtimes& runtimes, const std::function<void(const std::string&)>& expect,
    const ChangeHandler& handler) {
  for (const Runtime& row : kTable) {
    if (!(runtimes.*row.place).empty()) expect(row.name);
  }
  std::vector<std::unique_ptr<Source>> sources;
  for (const Runtime& row : kTable) {
    SourceOptions options{.name = row.name, .runtime = row.runtime, .socket = runtimes.*row.place};
    if (!options.socket.empty()) sources.push_back(row.make(std::move(options), runtimes, handler));
  }
  return sources;
}

bool AnyThere(const Runtimes& runtimes) {
  for (const Runtime& row : kTable) {
    std::error_code ignored;
    const std::string& place = runtimes.*row.place;
    if (!place.empty() && std::filesystem::exists(place, ignored)) return true;
  }
  return false;
}

}  // namespace nsw::container
