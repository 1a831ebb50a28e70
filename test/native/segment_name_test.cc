// Names: what users may choose, what is invented, and that the two never meet.

#include "core/segment_name.h"

#include <set>

#include "check.h"

namespace multiproc {
namespace {

TEST(users_choose_from_a_small_alphabet) {
  for (int c = 0; c < 256; c++) {
    const char ch = static_cast<char>(c);
    const bool allowed = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
                         ch == '.' || ch == '_' || ch == '-';
    CHECK_EQ(IsUserName(std::string("x") + ch), allowed);
    CHECK_EQ(IsUserName(std::string(1, ch)), allowed);
  }
}

TEST(users_names_have_1_to_200_characters) {
  CHECK(!IsUserName(""));
  CHECK(IsUserName("a"));
  CHECK(IsUserName(std::string(200, 'a')));
  CHECK(!IsUserName(std::string(201, 'a')));
  CHECK(!IsUserName(std::string("a\0b", 3)));
}

TEST(the_longest_name_fits_a_file_name) { CHECK(FileOf(std::string(200, 'a')).size() <= 255); }

TEST(invented_names_are_segment_names_that_no_user_can_choose) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; i++) {
    const std::string name = RandomSegmentName();
    CHECK(IsSegmentName(name));
    CHECK(!IsUserName(name));
    CHECK(seen.insert(name).second);
  }
}

TEST(what_only_looks_invented_is_no_segment_name) {
  for (const char* name : {"~", "~0123456789abcde", "~0123456789abcdef0", "~0123456789ABCDEF", "~0123456789abcdeg",
                           "~0123456789abcdef.0123456789abcdef", "../x", "a/b", "0123456789abcdef~"}) {
    CHECK(!IsSegmentName(name));
  }
}

TEST(files_carry_the_user_number) {
  const std::string prefix = "multiproc." + std::to_string(geteuid()) + ".";
  CHECK(FilePrefix() == prefix);
  CHECK(FileOf("name") == prefix + "name");
}

TEST(spill_names_come_apart_as_they_were_put_together) {
  for (const uint64_t uuid : {uint64_t{0}, uint64_t{1}, UINT64_MAX, uint64_t{0x0123456789abcdef}}) {
    for (const uint64_t id : {uint64_t{0}, uint64_t{42}, UINT64_MAX}) {
      const std::string file = SpillFile(uuid, id);
      CHECK_EQ(file.compare(0, SpillPrefix(uuid).size(), SpillPrefix(uuid)), 0);
      const std::string name = file.substr(FilePrefix().size());
      CHECK(!IsSegmentName(name));
      uint64_t uuid_out = 7, id_out = 7;
      CHECK(ParseSpillName(name, &uuid_out, &id_out));
      CHECK_EQ(uuid_out, uuid);
      CHECK_EQ(id_out, id);
      for (size_t cut = 0; cut < name.size(); cut++) CHECK(!ParseSpillName(name.substr(0, cut), &uuid_out, &id_out));
      CHECK(!ParseSpillName(name + "0", &uuid_out, &id_out));
    }
  }
}

}  // namespace
}  // namespace multiproc
