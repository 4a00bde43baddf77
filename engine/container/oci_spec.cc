// SPDX-License-Identifier: Apache-2.0
#include "engine/container/oci_spec.h"

#include <algorithm>

#include "engine/container/facts.h"
#include "engine/container/json_scan.h"

namespace nsw::container {
namespace {

struct Reading {
  OciSpec spec;
  MountList mounts;
  bool sys_admin = false;
  bool sys_module = false;
  bool masks = false;

  void TakeMount(const std::string& key, const JsonScalar& value, bool in_list) {
    // The destination comes first.
    if (key == "destination") mounts.Add("", value.text);
    if (mounts.all.empty()) return;
    MountList::Mount& mount = mounts.all.back();
    if (key == "source") mount.source = value.text;
    if (!in_list) return;
    if (value.text == "ro") mount.writable = false;
    if (value.text.ends_with("private") || value.text.ends_with("shared") ||
        value.text.ends_with("slave")) {
      mount.propagation = value.text;
    }
  }

  void Take(JsonPath path, const JsonScalar& value) {
    if (path.size() >= 3 && path[0] == "mounts") {
      TakeMount(path[2], value, path.size() == 4 && path[2] == "options");
    } else if (path.size() == 4 && path[1] == "capabilities" && path[2] == "bounding") {
      sys_admin |= value.text == "CAP_SYS_ADMIN";
      sys_module |= value.text == "CAP_SYS_MODULE";
    } else if (path.size() == 3 && path[1] == "maskedPaths") {
      masks = true;
    } else if (path.size() == 2 && path[0] == "annotations") {
      spec.annotations[path[1]] = value.text;
    }
  }
};

}  // namespace

OciSpec ParseOciSpec(std::string_view json) {
  Reading reading;
  ScanJson(json, [&](JsonPath path, const JsonScalar& value) { reading.Take(path, value); });
  // proc, tmpfs and their like have no file of the host's behind them.
  std::erase_if(reading.mounts.all,
                [](const MountList::Mount& m) { return !m.source.starts_with('/'); });
  reading.spec.privileged = reading.sys_admin && reading.sys_module && !reading.masks;
  reading.spec.mounts = reading.mounts.Text();
  BoundLabels(reading.spec.annotations);
  return std::move(reading.spec);
}

}  // namespace nsw::container
