#pragma once
// A model is a program. It gets its input and gives its output, and nothing else of this machine.

namespace montage::infer {

/// From now on this process opens, makes and removes no file (Landlock, Linux 5.13 and later) and
/// gains no privileges. Descriptors that are open stay usable. False when the kernel cannot.
bool DenyFiles();

/// Ends the process as soon as the other side of `fd` has closed, whatever the model is at: a
/// thread that waits for it.
void EndWithPeer(int fd);

}  // namespace montage::infer
