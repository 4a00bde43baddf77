// SPDX-License-Identifier: Apache-2.0
#include "store/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>

namespace nsw::store {
namespace fs = std::filesystem;
namespace {

// "20260131T120000Z", and a number behind it when that name is taken.
fs::path AsideName(const fs::path& path) {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char stamp[32];
  strftime(stamp, sizeof stamp, ".corrupt-%Y%m%dT%H%M%SZ", &parts);
  fs::path name = path.string() + stamp;
  std::error_code ignored;
  for (int i = 1; fs::exists(name, ignored); i++) {
    name = path.string() + stamp + "." + std::to_string(i);
  }
  return name;
}

Status CheckOurs(const fs::path& path, const struct stat& facts) {
  if (!S_ISREG(facts.st_mode)) {
    return Fail(path.string() + ": not a plain file; remove it or name another history file");
  }
  if (facts.st_uid != geteuid()) {
    return Fail(path.string() + ": belongs to user " + std::to_string(facts.st_uid) +
                "; chown it to " + std::to_string(geteuid()) + " or name another history file");
  }
  if ((facts.st_mode & S_IWOTH) != 0) {
    return Fail(path.string() + ": everybody may write to it; run: chmod o-w " + path.string());
  }
  return {};
}

}  // namespace

Result<fs::path> PrepareDirectory(const fs::path& path) {
  const fs::path absolute = fs::absolute(path);
  const fs::path directory = absolute.parent_path();
  if (mkdir(directory.c_str(), 0750) != 0 && errno != EEXIST) {
    return FailErrno(directory.string() + ": cannot make the directory", errno);
  }
  std::error_code error;
  const fs::path real = fs::canonical(directory, error);
  if (error) return Fail(directory.string() + ": " + error.message());
  return real / absolute.filename();
}

Result<UniqueFd> ClaimFile(const fs::path& path) {
  // Opening and closing a file drops sqlite3's own locks of this process on it; so it is opened
  // once and held.
  UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
  if (file.valid()) {
    (void)fchmod(file.get(), 0640);  // whatever the umask
    // A log left by a file that was removed would be replayed into this one.
    for (const char* suffix : {"-wal", "-shm"}) (void)unlink((path.string() + suffix).c_str());
  } else if (errno == EEXIST) {
    file.Reset(open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid() && errno == ELOOP) {
      return Fail(path.string() + ": is a symbolic link; name the file itself");
    }
  }
  if (!file.valid()) return FailErrno(path.string() + ": cannot open for writing", errno);
  struct stat facts {};
  if (fstat(file.get(), &facts) != 0) return FailErrno(path.string(), errno);
  if (auto ours = CheckOurs(path, facts); !ours) return tl::unexpected(ours.error());
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return Fail(path.string() + ": another nswarden writes to it; stop that one first");
  }
  return file;
}

Result<fs::path> MoveAside(const fs::path& path) {
  const fs::path aside = AsideName(path);
  if (rename(path.c_str(), aside.c_str()) != 0) {
    return FailErrno(path.string() + ": damaged, and cannot be moved aside", errno);
  }
  for (const char* suffix : {"-wal", "-shm"}) {  // kept with it: they may hold what can be rescued
    (void)rename((path.string() + suffix).c_str(), (aside.string() + suffix).c_str());
  }
  return aside;
}

bool IsStillThere(const fs::path& path, const UniqueFd& file) {
  struct stat named {};
  struct stat held {};
  return lstat(path.c_str(), &named) == 0 && fstat(file.get(), &held) == 0 &&
         named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

}  // namespace nsw::store
