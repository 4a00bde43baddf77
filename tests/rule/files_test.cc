// SPDX-License-Identifier: Apache-2.0
// Files that cannot be trusted, or mean harm.
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "tests/rule/acts.h"

namespace nsw::rule::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kGood = "nswarden: 1\npolicy: p\n";

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::path(testing::TempDir()) / "policies-XXXXXX").string();
    dir_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(dir_); }

  fs::path Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return dir_ / name;
  }
  static std::vector<std::string> Load(const fs::path& path, bool check_owner = false) {
    const Loaded loaded = LoadPolicies({path}, {.check_owner = check_owner});
    std::vector<std::string> all;
    for (const Diagnostic& d : loaded.diagnostics) all.push_back(d.Text());
    EXPECT_EQ(loaded.set == nullptr,
              !loaded.diagnostics.empty() && !loaded.diagnostics.front().warning);
    return all;
  }

  fs::path dir_;
};

TEST_F(Files, ADirectoryIsReadInNameOrder) {
  Write("b.yml", "nswarden: 1\npolicy: b\n");
  Write("a.yaml", "nswarden: 1\npolicy: a\n");
  Write("c.txt", "not a policy");
  Write(".d.yaml", "not a policy");
  fs::create_directory(dir_ / "examples");
  Write("examples/e.yaml", "not a policy");
  const Loaded loaded = LoadPolicies({dir_}, {.check_owner = false});
  ASSERT_NE(loaded.set, nullptr);
  ASSERT_EQ(loaded.set->policies().size(), 2U);
  EXPECT_EQ(loaded.set->policies()[0].name, "a");
  EXPECT_EQ(loaded.set->policies()[1].file, (dir_ / "b.yml").string());
}

TEST_F(Files, TheHashIsOfTheBytes) {
  const fs::path file = Write("a.yaml", "nswarden: 1\npolicy: a\n");
  const Loaded loaded = LoadPolicies({file}, {.check_owner = false});
  EXPECT_EQ(loaded.set->policies()[0].sha256,
            "7a46241c7ec33924f12144f07812d370f7138b10395f362b2c5b493cd11d5445");
}

TEST_F(Files, MustBeRootsAndNobodyElsesToWrite) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const fs::path file = Write("a.yaml", kGood);
  fs::permissions(file, fs::perms(0644));
  EXPECT_THAT(Load(file, true), testing::IsEmpty());
  fs::permissions(file, fs::perms(0664));
  EXPECT_THAT(Load(file, true),
              ElementsAre(HasSubstr(
                  "a.yaml: the file is not trusted: others than root can write to it; chown")));
  EXPECT_THAT(Load(file, false), testing::IsEmpty());
  fs::permissions(file, fs::perms(0644));
  ASSERT_EQ(chown(file.c_str(), 1000, 0), 0);
  EXPECT_THAT(Load(file, true), ElementsAre(HasSubstr("it belongs to user 1000, not to root")));
  ASSERT_EQ(chown(file.c_str(), 0, 0), 0);
  fs::permissions(dir_, fs::perms(0777));
  EXPECT_THAT(Load(file, true), ElementsAre(HasSubstr("the directory is not trusted")));
  EXPECT_THAT(Load(dir_, true), ElementsAre(HasSubstr("the directory is not trusted")));
  const fs::path below = dir_ / "below";
  fs::create_directory(below);
  fs::rename(file, below / "a.yaml");
  EXPECT_THAT(Load(below, true), ElementsAre(HasSubstr("the directory is not trusted: of " +
                                                       fs::canonical(dir_).string() +
                                                       ", others than root can write to it")));
  fs::rename(below / "a.yaml", file);
  fs::permissions(dir_, fs::perms(01777));  // sticky: nobody else can replace it
  EXPECT_THAT(Load(file, true), testing::IsEmpty());
}

TEST_F(Files, WhatWillNotBeTrustedIsWarnedOf) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const fs::path file = Write("a.yaml", kGood);
  fs::permissions(file, fs::perms(0666));
  const Loaded loaded = LoadPolicies({file}, {.check_owner = false, .warn_owner = true});
  EXPECT_NE(loaded.set, nullptr);
  ASSERT_EQ(loaded.diagnostics.size(), 1U);
  EXPECT_THAT(loaded.diagnostics[0].Text(),
              HasSubstr("a.yaml: warning: the file will not be trusted: others than root can"));
}

TEST_F(Files, MustBeFiles) {
  EXPECT_THAT(Load(dir_ / "none.yaml"),
              ElementsAre(HasSubstr("none.yaml: cannot be read: No such file or directory")));
  ASSERT_EQ(mkfifo((dir_ / "pipe.yaml").c_str(), 0600), 0);
  EXPECT_THAT(Load(dir_ / "pipe.yaml"), ElementsAre(HasSubstr("pipe.yaml: not a file but a pipe")));
  fs::create_directory(dir_ / "d.yaml");
  fs::remove(dir_ / "pipe.yaml");
  EXPECT_THAT(Load(dir_), ElementsAre(HasSubstr("d.yaml: not a file but a directory")));
}

TEST_F(Files, MustBeOfASize) {
  EXPECT_THAT(Load(Write("a.yaml", std::string(kGood) + "#" + std::string(8 << 20, 'x'))),
              ElementsAre(HasSubstr("larger than 8 MiB")));
}

TEST_F(Files, AllOrNothing) {
  Write("a.yaml", kGood);
  Write("b.yaml", "nswarden: 1\npolicy: [\n");
  EXPECT_THAT(Load(dir_), ElementsAre(HasSubstr("b.yaml:3:1: not valid YAML")));
}

TEST(Encoding, MustBeUtf8_A6) {
  EXPECT_THAT(Mistakes(std::string("\xff\xfen\0s\0", 6)),
              ElementsAre(" the file is in UTF-16; save it as UTF-8"));
  EXPECT_THAT(Mistakes(std::string(kGood) + "description: \xe9t\xe9\n"),
              ElementsAre(StartsWith("3:14: not UTF-8")));
  EXPECT_THAT(Mistakes(std::string(kGood) + "description: a\xc0\xaf\n"),
              ElementsAre(StartsWith("3:15: not UTF-8")));
  EXPECT_THAT(Mistakes(std::string(kGood) + std::string("description: a\0b\n", 17)),
              ElementsAre(StartsWith("3:15: a control character (byte 0)")));
  EXPECT_NE(LoadPolicyText(std::string("\xef\xbb\xbf") + kGood, "f").set, nullptr);
  EXPECT_NE(LoadPolicyText(std::string(kGood) + "description: \xc3\xa9\n", "f").set, nullptr);
}

TEST(Yaml, EmptyFilesAreNoPolicies) {
  for (const char* text : {"", "# only a comment\n", "---\n", "---\n...\n"}) {
    EXPECT_THAT(Mistakes(text),
                ElementsAre(" warning: the file is empty: there is no policy in it"))
        << text;
  }
}

TEST(Yaml, OneDocument) {
  EXPECT_THAT(Mistakes(std::string(kGood) + "---\nnswarden: 1\n"),
              ElementsAre(StartsWith("4:1: a second YAML document")));
}

TEST(Yaml, NestingIsBounded_A6) {
  EXPECT_THAT(Mistakes(std::string(kGood) + "images: " + std::string(100, '[') +
                       std::string(100, ']') + "\n"),
              ElementsAre(StartsWith("3:40: nested deeper than 32 levels")));
  const std::string deep = std::string(kGood) + "images: " + std::string(200000, '[') + "\n";
  EXPECT_EQ(Mistakes(deep).size(), 1U);
}

TEST(Yaml, AliasesAreCountedAsOftenAsTheyAreUsed_A6) {
  std::string text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'z'; c++) {
    const std::string below = std::string("*") + static_cast<char>(c - 1);
    text += std::string(1, c) + ": &" + c + " [" + below;
    for (int i = 0; i < 9; i++) text += ", " + below;
    text += "]\n";
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Mistakes(text),
              ElementsAre(HasSubstr("aliases make the file grow beyond 200000 values")));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Yaml, AliasesStandForWhatTheyName) {
  const auto set = test::Load(std::string(kGood) + "deny:\n  exec: &l [/a]\n  read: *l\n");
  EXPECT_EQ(set->policies()[0].deny_entries, 2U);
  EXPECT_THAT(Mistakes("a: &a [*a]\n"),
              ElementsAre(StartsWith("1:8: an alias stands inside what it names")));
}

TEST(Yaml, TagsAreRefused) {
  EXPECT_THAT(Mistakes(std::string(kGood) + "description: !!binary aGk=\n"),
              ElementsAre(HasSubstr("the YAML tag")));
}

// Cut anywhere, changed anywhere: an answer, and no set without one.
TEST(Yaml, HalfWrittenFilesAreRefusedOrGood_A6) {
  const std::string text =
      std::string(kGood) +
      "images: [nginx]\ndeny: {exec: ['/tmp/**'], connect: [10.0.0.0/8]}\nrules:\n"
      "  - macro: m\n    condition: >\n      evt.type in (open, openat) and\n      fd.name glob "
      "'/a/*'\n"
      "  - rule: r\n    condition: m or (fd.num >= 0x2 and not proc.name in (a, \"b\"))\n    "
      "output: x %fd.name\n    priority: INFO\n";
  for (size_t i = 0; i < text.size(); i++) {
    const Loaded cut = LoadPolicyText(text.substr(0, i), "f");
    EXPECT_TRUE(cut.set != nullptr || !cut.diagnostics.empty()) << i;
    for (const char c :
         {'\0', '"', '\'', '(', ')', '[', '{', '\n', ' ', '%', '\xff', '*', '&', '!', ':'}) {
      std::string changed = text;
      changed[i] = c;
      const Loaded loaded = LoadPolicyText(changed, "f");
      EXPECT_TRUE(loaded.set != nullptr || !loaded.diagnostics.empty()) << i << " " << c;
    }
  }
}

}  // namespace
}  // namespace nsw::rule::test
