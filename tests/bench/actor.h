// SPDX-License-Identifier: Apache-2.0
// What a process of a container does while events are captured: the acts of a service that starts,
// serves and now and then runs a helper, and one in a hundred that a shipped policy cares about.
#pragma once

namespace nsw::bench {

/// As many idle processes as told, until it is killed.
int Idle(unsigned processes);

/// Opens files as fast as it can; prints how many it opened.
int Flood(unsigned seconds);

/// Reads /etc/shadow, which raises an alert, that many times; a pause after each.
int Alert(unsigned times, unsigned pause_ms);

/// Acts `acts` times; `number` tells the containers apart. Returns an exit status.
int Act(unsigned number, unsigned acts);

}  // namespace nsw::bench
