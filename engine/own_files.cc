// SPDX-License-Identifier: Apache-2.0
#include "engine/own_files.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "engine/pin_folder.h"

namespace nsw {
namespace {

namespace fs = std::filesystem;
using kernel::Kept;
using kernel::OwnFile;

constexpr const char* kConfigFolder = "/etc/nswarden";
constexpr const char* kCgroups = "/sys/fs/cgroup";
// Who writes a 0 there stops what watches.
constexpr const char* kKprobes = "/sys/kernel/debug/kprobes/enabled";

void AddPolicies(const Config& config, std::vector<OwnFile>& files) {
  std::error_code ignored;
  for (const fs::path& path : config.policies) {
    const bool folder = fs::is_directory(path, ignored);
    files.push_back({path, folder ? Kept::kFolder : Kept::kFile});
  }
}

void AddHistory(const fs::path& history, std::vector<OwnFile>& files) {
  if (history.empty()) return;
  for (const char* part : {"", "-wal", "-shm"}) files.push_back({history.string() + part});
  if (IsHistorysAlone(history)) files.push_back({history.parent_path(), Kept::kFolder});
}

}  // namespace

std::vector<OwnFile> OwnFiles(const Config& config) {
  std::vector<OwnFile> files{{kConfigFolder, Kept::kFolder},
                             {config.run_directory, Kept::kFolder},
                             {kStateFolder, Kept::kFolder},
                             {kLock},
                             {kKprobes}};
  if (!config.file.empty()) files.push_back({config.file});
  AddPolicies(config, files);
  AddHistory(config.history, files);
  std::stringstream own;
  own << std::ifstream("/proc/self/cgroup").rdbuf();
  for (const fs::path& folder : CgroupFolders(own.str())) files.push_back({folder, Kept::kFiles});
  return files;
}

std::vector<fs::path> CgroupFolders(std::string_view text) {
  std::vector<fs::path> folders;
  std::istringstream lines{std::string(text)};
  // NUMBER:CONTROLLERS:/PATH; of the unified hierarchy 0::/PATH.
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    for (fs::path path = line.substr(second + 1); path.has_relative_path();
         path = path.parent_path()) {
      folders.push_back(fs::path(kCgroups) / controllers / path.relative_path());
      // Where the old ones have that place.
      if (controllers.empty())
        folders.push_back(fs::path(kCgroups) / "unified" / path.relative_path());
    }
  }
  return folders;
}

bool IsHistorysAlone(const fs::path& history) {
  const std::string name = history.filename().string();
  std::error_code failed;
  const fs::directory_iterator folder(history.parent_path(), failed);
  return !failed && std::all_of(begin(folder), end(folder), [&](const fs::directory_entry& entry) {
    return entry.path().filename().string().starts_with(name);
  });
}

}  // namespace nsw
