#!/bin/sh
# Passes a real clip through a ring and compares what comes out with what went in:
# once undisturbed, once with subscribers that are killed one after the other, once shared
# among four subscribers, of which some are killed at random, and twice (as fast as it goes,
# and at its own rate) by five that want different things of it, while others are killed.
#
#     clip.sh CLIP [SUBSCRIBERS]
#
# Takes anything that ffmpeg decodes. Uses $RINGBUF, or `ringbuf` from the PATH.
set -eu

fail() { echo "clip.sh: $*" >&2; exit 1; }

[ $# -ge 1 ] || fail "usage: clip.sh CLIP [SUBSCRIBERS]"
clip=$1
killed_wanted=${2:-5}
ringbuf=${RINGBUF:-ringbuf}
command -v ffmpeg >/dev/null || fail "ffmpeg is missing; install it to decode clips"
command -v "$ringbuf" >/dev/null || fail "\`$ringbuf\` is missing; set RINGBUF to where it is"
[ -r "$clip" ] || fail "cannot read $clip"

work=$(mktemp -d)
ring=clip-$$
publisher= subscriber= workers= viewers= rate=
cleanup() {
    for process in $publisher $subscriber $workers $viewers $(cat "$work"/worker*.process 2>/dev/null); do kill -9 "$process" 2>/dev/null || :; done
    rm -rf "$work"
    "$ringbuf" rm "$ring" >/dev/null 2>&1 || :
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# $* before the output: what is special about it.
decode() {
    ffmpeg -v error -nostdin $rate -i "$clip" -map 0:v:0 $format "$@" -f yuv4mpegpipe -strict -1 -
}
# As it is, if YUV4MPEG2 has a word for it; RGB has to be converted.
format=
decode -frames:v 1 >/dev/null 2>&1 || format='-pix_fmt yuv420p'
# The frames of a YUV4MPEG2 file, one checksum a line, without the one that is cut
# short at its end. By ffmpeg, which is not ours.
checksums() { ffmpeg -v quiet -nostdin -i "$1" -f framemd5 - | sed -n 's/^0,.*, *//p'; }

echo "decoding $clip"
decode >"$work/in.y4m"
checksums "$work/in.y4m" >"$work/in.md5"
frames=$(wc -l <"$work/in.md5")
bytes=$(wc -c <"$work/in.y4m")
[ "$frames" -gt 0 ] || fail "no video in $clip"
header=$(head -n 1 "$work/in.y4m" | wc -c)
# A frame with its FRAME line, which ffmpeg writes without parameters.
frame=$(((bytes - header) / frames))
[ $((header + frames * frame)) -eq "$bytes" ] || fail "the frames are not all of one size"
echo "$frames frames, $bytes bytes: $(head -n 1 "$work/in.y4m" | head -c 100)"

echo
echo "1. through the ring, undisturbed"
decode | "$ringbuf" pub "$ring" 2>/dev/null &
publisher=$!
"$ringbuf" sub "$ring" --wait --lossless >"$work/out.y4m" 2>/dev/null
wait "$publisher"
publisher=
cmp "$work/in.y4m" "$work/out.y4m" || fail "what came out differs"
echo "   $bytes bytes came out as they went in"
rm "$work/out.y4m"

echo
echo "2. subscribers killed by kill -9, one after the other"
decode | "$ringbuf" pub "$ring" --kind spsc --capacity 4 &
publisher=$!
share=$((bytes / (killed_wanted + 1)))
number=0
killed=0
whole=0
: >"$work/union.md5"
# Whether a part begins with the frame after the last one that was written so far.
goes_on() {
    tail -n +$(($(wc -l <"$work/union.md5") + 1)) "$work/in.md5" |
        head -n "$(wc -l <"$work/part.md5")" | cmp -s - "$work/part.md5"
}
while :; do
    number=$((number + 1))
    out=$work/part$number.y4m
    : >"$out"
    "$ringbuf" sub "$ring" --wait=2 >"$out" 2>"$work/notes" &
    subscriber=$!
    if [ "$killed" -lt "$killed_wanted" ]; then
        # Until it has written its share, or ends by itself.
        while kill -0 "$subscriber" 2>/dev/null && [ "$(wc -c <"$out")" -lt "$share" ]; do :; done
        kill -9 "$subscriber" 2>/dev/null || :
    fi
    status=0
    wait "$subscriber" 2>/dev/null || status=$?
    subscriber=
    # The one before may have taken the last frame before it was killed.
    ! grep -q "there is no such ring" "$work/notes" || break
    checksums "$out" >"$work/part.md5"
    # A frame that the last one did not live to release comes again. It is in what that one
    # wrote if it was written whole, and not if it was written in part, or not at all: then
    # this part goes on where that one ended.
    note=
    if [ "$whole" -eq 1 ] && grep -q "wrote 1 message again" "$work/notes" && ! goes_on; then
        note=", the first of them written before too"
        sed -i 1d "$work/part.md5"
    fi
    cat "$work/part.md5" >>"$work/union.md5"
    size=$(wc -c <"$out")
    whole=0
    [ "$size" -lt "$header" ] || [ $(((size - header) % frame)) -ne 0 ] || whole=1
    written=$((size < header ? 0 : (size - header) / frame))
    echo "   subscriber $number: $written whole frames$note, status $status"
    rm "$out"
    [ "$status" -ne 0 ] || break
    [ "$status" -eq 137 ] || fail "a subscriber failed: $(cat "$work/notes")"
    killed=$((killed + 1))
done
wait "$publisher" || fail "the publisher failed"
publisher=
cmp "$work/in.md5" "$work/union.md5" || fail "the union of what they wrote has a gap"
echo "   together: all $frames frames, in order, none missing"

echo
echo "3. shared among four subscribers, killed at random by kill -9"
decode | "$ringbuf" pub "$ring" --kind mpmc &
publisher=$!
# A number below $1, another each time.
random() { echo $(($(od -An -N4 -tu4 /dev/urandom) % $1)); }
# A subscriber that goes on for a random part of three frames, and is then killed, $2 times;
# at last one that is not. Nobody reads on while it is killed, so if a frame is larger than
# a pipe it is in the middle of one.
worker() {
    part=$work/worker$1
    mkfifo "$part.pipe"
    life=0
    while :; do
        life=$((life + 1))
        limit=$bytes
        [ "$life" -gt "$2" ] || limit=$(random $((header + 3 * frame)))
        "$ringbuf" sub "$ring" --wait=2 --numbers "$part.$life.numbers" \
            >"$part.pipe" 2>>"$part.notes" &
        process=$!
        echo "$process" >"$part.process"
        exec 3<"$part.pipe"
        head -c "$limit" <&3 >"$part.$life.y4m"
        [ "$life" -gt "$2" ] || kill -9 "$process" 2>/dev/null || :
        cat <&3 >>"$part.$life.y4m"
        exec 3<&-
        status=0
        wait "$process" 2>/dev/null || status=$?
        : >"$part.process"
        echo "   subscriber $1.$life: status $status" >>"$work/shared.log"
        [ "$status" -eq 137 ] || break
    done
    [ "$status" -eq 0 ] || grep -q "there is no such ring" "$part.notes"
}
: >"$work/shared.log"
for number in 1 2 3 4; do
    # The fourth lives.
    worker "$number" $((number < 4 ? (killed_wanted + number - 1) / 3 : 0)) &
    workers="$workers $!"
done
for process in $workers; do
    wait "$process" || fail "a subscriber failed: $(cat "$work"/worker*.notes)"
done
workers=
wait "$publisher" || fail "the publisher failed"
publisher=
: >"$work/shared"
for numbers in "$work"/worker*.numbers; do
    checksums "${numbers%.numbers}.y4m" >"$work/part.md5"
    # A frame whose number is not there was not released, and was written again.
    told=$(wc -l <"$numbers")
    [ "$told" -le "$(wc -l <"$work/part.md5")" ] || fail "a number without its frame"
    head -n "$told" "$work/part.md5" | paste -d " " "$numbers" - >>"$work/shared"
done
# Only what is said to come again was written before. Then: number and checksum, once.
awk '$2 != "again" && seen[$1]++ { exit 1 }' "$work/shared" || fail "a frame came twice, unflagged"
awk '{ print $1, $NF }' "$work/shared" | sort -n | uniq >"$work/shared.md5"
awk '{ print NR - 1, $0 }' "$work/in.md5" | cmp - "$work/shared.md5" ||
    fail "what the four wrote is not the clip"
killed=$(grep -c "status 137" "$work/shared.log" || :)
again=$(grep -c again "$work/shared" || :)
echo "   $killed killed, $again frames written again; together: each of $frames frames, none missing"

# Whether what $1 wrote is of the clip, by its numbers, and in order; and whether that and
# what it says to have lost is all of the clip.
part_of_the_clip() {
    checksums "$work/$1.y4m" | paste -d " " "$work/$1.numbers" - >"$work/$1.frames"
    awk 'NR == FNR { sum[NR - 1] = $1; next }
        FNR > 1 && $1 <= last || sum[$1] != $2 { exit 1 }
        { last = $1 }' "$work/in.md5" "$work/$1.frames" || fail "$1: a frame is wrong, or too late"
    told=$(sed -n 's/.*received \([0-9,]*\), lost \([0-9,]*\), broken off 0; .*/\1 \2/p' \
        "$work/$1.notes" | tr -d ,)
    [ "${told% *}" -eq "$(wc -l <"$work/$1.frames")" ] || fail "$1: received another number"
    [ $((${told% *} + ${told#* })) -eq "$frames" ] || fail "$1: received and lost do not add up"
    echo "   $1: ${told% *} received, ${told#* } lost"
}
to_all() {
    decode | "$ringbuf" pub "$ring" --wait-for 5 2>/dev/null &
    publisher=$!
    viewers=
    for one in all1 all2; do
        "$ringbuf" sub "$ring" --wait --lossless >"$work/$one.y4m" 2>/dev/null &
        viewers="$viewers $!"
    done
    for one in lossy latest; do
        "$ringbuf" sub "$ring" --wait --$one --numbers "$work/$one.numbers" \
            >"$work/$one.y4m" 2>"$work/$one.notes" &
        viewers="$viewers $!"
    done
    # Nobody reads on while it is stopped, so if a frame is larger than a pipe it holds one.
    rm -f "$work/stopped.pipe"
    mkfifo "$work/stopped.pipe"
    "$ringbuf" sub "$ring" --wait --numbers "$work/stopped.numbers" \
        >"$work/stopped.pipe" 2>"$work/stopped.notes" &
    stopped=$!
    viewers="$viewers $stopped"
    exec 3<"$work/stopped.pipe"
    head -c $((header + 100)) <&3 >"$work/stopped.y4m"
    kill -STOP "$stopped"
    killed=0
    while kill -0 "$publisher" 2>/dev/null; do
        wants=$(echo "--lossless --lossy --latest" | cut -d " " -f $((killed % 3 + 1)))
        "$ringbuf" sub "$ring" "$wants" >/dev/null 2>&1 &
        subscriber=$!
        sleep 0.05
        kill -9 "$subscriber" 2>/dev/null || :
        wait "$subscriber" 2>/dev/null || :
        subscriber=
        killed=$((killed + 1))
    done
    wait "$publisher" || fail "the publisher failed"
    publisher=
    kill -CONT "$stopped"
    cat <&3 >>"$work/stopped.y4m"
    exec 3<&-
    for process in $viewers; do
        wait "$process" || fail "a subscriber failed: $(cat "$work"/*.notes)"
    done
    viewers=
    for one in all1 all2; do
        cmp "$work/in.y4m" "$work/$one.y4m" || fail "$one: what came out differs"
    done
    echo "   all1, all2: $bytes bytes came out as they went in; $killed others killed"
    for one in lossy latest stopped; do
        part_of_the_clip "$one"
    done
}
echo
echo "4. to everybody, as fast as it goes; one stopped, others killed every 50 ms"
to_all
echo
echo "5. to everybody, at its own rate; one stopped, others killed every 50 ms"
rate=-re
to_all
