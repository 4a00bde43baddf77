// SPDX-License-Identifier: Apache-2.0
#include "engine/kernel/enforcer.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <iterator>

#include "engine/kernel/hurry.h"

namespace nsw::kernel {

DenyMapFds DenyMapFdsOf(const enforce* object) {
  DenyMapFds fds;
  fds.sets = bpf_map__fd(object->maps.sets);
  fds.clause_sets = bpf_map__fd(object->maps.clause_sets);
  fds.path_sets = bpf_map__fd(object->maps.path_sets);
  fds.filter_sets = bpf_map__fd(object->maps.filter_sets);
  fds.net_sets = bpf_map__fd(object->maps.net_sets);
  fds.overlay = bpf_map__fd(object->maps.overlay);
  fds.pushes = bpf_map__fd(object->maps.pushes);
  fds.homes = bpf_map__fd(object->maps.homes);
  fds.answer = bpf_map__fd(object->maps.answer);
  fds.set_home = bpf_program__fd(object->progs.nsw_set_home);
  fds.resolve = bpf_program__fd(object->progs.nsw_resolve);
  return fds;
}

Status Enforcer::Serve(const Refusals& wanted) {
  const Refusals fresh = wanted.Without(served_);
  if (fresh.empty()) return {};
  const Hurry hurry;
  EnforceObject object(enforce__open());
  if (!object) return FailProgram("enforce", "opening the object", errno);
  // With what is counted and known across all programs: .bss, too.
  if (Status status = ShareMaps(object->obj, shared_, ".bss"); !status) return status;
  object->rodata->own_life = life_;
  hooks_.Describe(object.get());
  if (Status status = hooks_.Choose(object->obj, fresh, served_); !status) return status;
  if (const int error = enforce__load(object.get()); error != 0)
    return FailProgram("enforce", "loading", -error);
  std::vector<std::string> lines;
  Result<std::vector<Link>> links = AttachAll(object->obj, lines, pins_);
  if (!links) return tl::unexpected(links.error());
  std::ranges::move(*links, std::back_inserter(links_));
  std::ranges::move(lines, std::back_inserter(attachments_));
  objects_.push_back(std::move(object));
  served_ = served_.With(fresh);
  return {};
}

void Enforcer::ForEachDescriptor(const std::function<void(int fd)>& act) const {
  for (const Link& link : links_) act(bpf_link__fd(link.get()));
}

}  // namespace nsw::kernel
