#pragma once
// Internal to the corpora: what is planted for a kind of event, with all that is drawn.

#include <string_view>

#include "bench/detection/corpus/drawing.h"

namespace detection {

/// `spike`, `spike_wave`, `pled`, `gped`, `seizure`, `burst_suppression`, `blink`, `muscle`,
/// `movement`, `electrode_pop`: sizes from 1.5 times what hides in the background upwards.
void AddEvents(Drawing& drawing, std::string_view kind);

}  // namespace detection
