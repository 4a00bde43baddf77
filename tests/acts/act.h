// SPDX-License-Identifier: Apache-2.0
// The table of acts: what a container can do, and the one event that must come of it. Each row is
// performed by this program in a real container, in a process of its own, so that its events are
// told apart by their process id and none can hide. A class of acts is a file acts_*.cc; a new act
// is a row in it. Used by tests/vm/cases/40_acts.sh, on each kernel.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace acts {

/// What an act works with. Made anew for each; the act's process has a copy.
struct Stage {
  std::string folder;  ///< of this act alone, there already: "$D" in what is expected
  int fd[4] = {-1, -1, -1, -1};
  int number[4] = {};
  void* memory = nullptr;
  int* also = nullptr;  ///< shared with the parent: another process whose events belong to the act

  [[nodiscard]] std::string Path(std::string_view name) const {
    return folder + "/" + std::string(name);
  }
};

/// How an act ended.
enum class Outcome {
  kDone,    ///< performed; whether the kernel let it is what the event says
  kAbsent,  ///< this kernel has no such call: nothing is expected
  kBroken,  ///< the act itself is wrong; errno says how
};

using Step = Outcome (*)(Stage&);

/// A rule field and its text. "$D" is the act's folder; a text that begins with ~ is a regular
/// expression for the whole; "<NA>" is a field that is absent.
struct Field {
  std::string_view name;
  std::string_view value;
};

struct Act {
  std::string_view name;
  std::string_view threats;  ///< numbers of THREATS.md, "F3 F9"; "" where it is none
  Step prepare;              ///< by the parent; null: nothing to do
  Step perform;              ///< by a process of its own
  /// Of exactly one event. Empty: no event at all may come of it.
  std::vector<Field> expect;
  /// evt.type of other events that the act's process cannot help to cause.
  std::string_view besides = "";
  /// Not every kernel of the tests has it: only then may it be absent.
  bool young = false;
};

/// evt.type of the end of the act's process.
constexpr std::string_view kEnd = "procexit";
/// Whether it is that which the act is about; of any other it is no part.
[[nodiscard]] bool IsEnd(const Act& act);

/// Besides, for an act by io_uring.
constexpr std::string_view kRing = "io_uring_setup mmap";

const std::vector<Act>& OpenActs();        // acts_open.cc
const std::vector<Act>& RingActs();        // acts_ring.cc
const std::vector<Act>& RingSocketActs();  // acts_ring_socket.cc
const std::vector<Act>& NameActs();        // acts_name.cc
const std::vector<Act>& FileActs();        // acts_file.cc
const std::vector<Act>& MountActs();       // acts_mount.cc
const std::vector<Act>& ExecActs();        // acts_exec.cc
const std::vector<Act>& NetworkActs();     // acts_network.cc
const std::vector<Act>& SocketActs();      // acts_socket.cc
const std::vector<Act>& CompatActs();      // acts_compat.cc
const std::vector<Act>& CredentialActs();  // acts_credentials.cc
const std::vector<Act>& ProcessActs();     // acts_process.cc
const std::vector<Act>& KernelActs();      // acts_kernel.cc
const std::vector<Act>& RaceActs();        // acts_race.cc
const std::vector<Act>& IdentityActs();    // acts_identity.cc

/// For acts of another program than this one, which is made of a copy of it.
int RunMaker(std::string_view verb, const char* path);  // acts_identity.cc

/// So many threads wait in accept and all return at once, with EINVAL. 0 if they did.
int Crowd(int count);  // crowd.cc

/// `count` threads open a file, do not open another and connect, `rounds` times, each under a name
/// of its own that is the file's, too.
int Crossed(const char* folder, int count, int rounds);  // crossed.cc
/// Opens one of two files while another thread rewrites the path. Prints how often it was which,
/// and how often none.
int Rewritten(const char* folder, int rounds);

/// A task for each of `acts` ("open:PATH", "exec:PATH", "connect:PORT") makes `tries` (0: without
/// end) of it. The file `counts` has what came of them, and takes orders: see there. 0 if all is
/// done.
int Probe(const char* counts, long tries, char** acts);  // prober.cc

/// `rounds` times three processes with the same id. Prints it.
int Reuse(const char* folder, int rounds);  // reuse.cc
int OpenOne(const char* path);

/// All of them, in the order in which they are performed.
std::vector<const Act*> AllActs();

/// kDone, but kAbsent after ENOSYS: for what a call returned.
Outcome Done(long result);
/// kBroken where `good` does not hold: for what must succeed.
Outcome Must(bool good);

/// Makes a file with a line in it. For prepare.
bool MakeFile(const std::string& path, unsigned mode = 0644);

/// This program, where the container has it. Called with "idle" it does nothing.
constexpr const char* kProgram = "/program";
/// Writes a copy of it there. For prepare.
bool CopyProgram(int to);

/// fd[0]: the act's folder; fd[1]: a file in it, "file", open for reading and writing. For prepare.
Outcome FolderAndFile(Stage& stage);

/// One operation by io_uring, by system calls of our own; `async`: by a worker thread. What it
/// returned; -ENOSYS where there is no io_uring.
struct RingAct {
  unsigned char opcode = 0;
  int fd = -100;  // AT_FDCWD
  const void* address = nullptr;
  unsigned length = 0;
  unsigned long long offset = 0;
  unsigned flags = 0;
  const void* third = nullptr;  // addr3
  bool async = false;
  unsigned slot = 0;                ///< into the ring's own table of files, which has one: 1
  bool left = false;                ///< without waiting for its end
  unsigned short priority = 0;      ///< ioprio: of sockets other flags
  std::function<void()> meanwhile;  ///< done while the operation is under way
};
long ByRing(const RingAct& act);
/// Whether this kernel's io_uring has that operation.
bool RingHas(unsigned char opcode);
/// Whether its operations are functions of their own: up to 5.18 the compiler has put most of them
/// into one, and of those no result is known.
bool RingActsApart();
/// The same by a thread of the kernel's own that watches the queue (SQPOLL).
long ByRingPolled(const RingAct& act);

/// A system call by the 32-bit gate, int 0x80; a sixth argument is 0. Its addresses must lie below
/// 4 GiB: `Low` copies a text there.
long Call32(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0);
const char* Low(std::string_view text);

}  // namespace acts
