// SPDX-License-Identifier: Apache-2.0
// What the acts are made of.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/acts/act.h"

namespace acts {

std::vector<const Act*> AllActs() {
  std::vector<const Act*> all;
  for (const auto* table :
       {&OpenActs(), &RingActs(), &RingSocketActs(), &NameActs(), &FileActs(), &MountActs(),
        &ExecActs(), &NetworkActs(), &SocketActs(), &CompatActs(), &CredentialActs(),
        &ProcessActs(), &KernelActs(), &RaceActs(), &IdentityActs()}) {
    for (const Act& act : *table) all.push_back(&act);
  }
  return all;
}

bool IsEnd(const Act& act) { return !act.expect.empty() && act.expect.front().value == kEnd; }

Outcome Done(long result) {
  return result == -ENOSYS || (result == -1 && errno == ENOSYS) ? Outcome::kAbsent : Outcome::kDone;
}

Outcome Must(bool good) { return good ? Outcome::kDone : Outcome::kBroken; }

Outcome FolderAndFile(Stage& stage) {
  const bool made = MakeFile(stage.Path("file"));
  stage.fd[0] = open(stage.folder.c_str(), O_RDONLY | O_DIRECTORY);
  stage.fd[1] = open(stage.Path("file").c_str(), O_RDWR);
  return Must(made && stage.fd[0] >= 0 && stage.fd[1] >= 0);
}

bool MakeFile(const std::string& path, unsigned mode) {
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, mode);
  if (fd < 0) return false;
  const bool good = write(fd, "true\n", 5) == 5 && fchmod(fd, mode) == 0;
  close(fd);
  return good;
}

bool CopyProgram(int to) {
  const int from = open(kProgram, O_RDONLY);
  struct stat info {};
  if (from < 0 || fstat(from, &info) != 0) return false;
  off_t at = 0;
  while (at < info.st_size) {
    if (copy_file_range(from, nullptr, to, nullptr, static_cast<size_t>(info.st_size - at), 0) >
        0) {
      at = lseek(from, 0, SEEK_CUR);
      continue;
    }
    char room[65536];
    const ssize_t n = read(from, room, sizeof room);
    if (n <= 0 || write(to, room, static_cast<size_t>(n)) != n) return false;
    at += n;
  }
  close(from);
  return true;
}

const char* Low(std::string_view text) {
  // The program is linked at a fixed address below 4 GiB, and this with it.
  static char room[8][512];
  static unsigned next = 0;
  char* at = room[next++ % 8];
  std::memcpy(at, text.data(), text.size());
  at[text.size()] = '\0';
  return at;
}

long Call32(long number, long a, long b, long c, long d, long e) {
  long result = number;
  // No more may be pushed where the compiler keeps what it has no room for: below the stack's end.
  asm volatile(
      "lea -128(%%rsp), %%rsp; push %%rbp; xor %%ebp, %%ebp; int $0x80; pop %%rbp; lea 128(%%rsp), "
      "%%rsp"
      : "+a"(result)
      : "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
      : "memory", "r8", "r9", "r10", "r11");
  return static_cast<int>(result);
}

}  // namespace acts
