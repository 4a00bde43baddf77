// SPDX-License-Identifier: Apache-2.0
// What the Docker Engine API says, taken apart. Called by the Docker source. Texts are hostile:
// nothing throws, nothing is trusted, and what was cut off is read as far as it goes. Only what is
// wanted is ever kept, so that a text of any shape costs no more memory than its length.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/container/container.h"
#include "engine/container/listing.h"

namespace nsw::container::docker {

struct Version {
  std::string engine;  ///< "20.10.24", for people; printable
  std::string api;     ///< "1.41", digits and a dot; "" when it was not told
  std::string api_minimum;
};
Result<Version> ParseVersion(std::string_view text);

/// The version to speak: ours, or the nearest one that the server accepts; "" to name none.
std::string ChooseApi(const Version& server);

struct Event {
  enum class Meaning { kIgnored, kChanged, kGone };
  Meaning meaning = Meaning::kIgnored;
  std::string id;
  /// Of a create: id, name, image and labels; no digest, nor whether it is privileged. Its id is ""
  /// for other events.
  Container created;
};
/// One line of /events. Error: not an event.
Result<Event> ParseEvent(std::string_view line);

/// An answer of /containers/json. Error: not a list; a list that breaks off gives what it has, with
/// `complete` false.
Result<Listing> ParseListing(std::string_view text);

struct Inspected {
  Container container;   ///< its image as given at create
  std::string image_id;  ///< "sha256:..."; "" when it was not told
};
/// An answer of /containers/ID/json. Error: not about a container.
Result<Inspected> ParseInspect(std::string_view text);

/// An answer of /images/ID/json.
struct ImageInfo {
  std::string id;
  std::vector<std::string> tags;     ///< "nginx:1.25"
  std::vector<std::string> digests;  ///< "nginx@sha256:..."
};
ImageInfo ParseImageInfo(std::string_view text);

/// Completes an image with what the runtime knows of it: the digest, and for a container made from
/// a bare id the repository and tag.
void CompleteImage(const ImageInfo& info, Image& image);

/// Whether the image was given by the beginning of an id, so that its name must be asked for.
bool IsBareImage(const Image& image);

/// Whether a text may stand in a path of a request as an id: 12 to 64 hex digits.
bool IsId(std::string_view text);
/// The same for an image: 4 to 64 hex digits, perhaps after "sha256:".
bool IsImageId(std::string_view text);

}  // namespace nsw::container::docker
